package org.ingestface.document;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.search.Gallery;

/** The objects of the field {@code faces}: each is a face that the service found, with what people said and what a gallery matched. */
final class FaceEntries {

    private FaceEntries() {}

    /**
     * @param kept for each face the fields that it keeps: its {@code id} perhaps, and what people said
     * @return one mutable entry for each face, in order
     */
    static List<Map<String, Object>> of(FaceAnswer.Faces found, List<Map<String, Object>> kept) {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (int i = 0; i < kept.size(); i++) {
            Map<String, Object> entry = new LinkedHashMap<>(kept.get(i));
            entry.putAll(found.faces().get(i).fields());
            entries.add(entry);
        }
        addIds(entries, prefix(found));
        return entries;
    }

    /** How many of them the service found by itself, so without those whose box a person drew. */
    static int foundByTheService(List<Map<String, Object>> entries) {
        return (int) entries.stream().filter(entry -> DrawnBoxes.isDrawn(entry) == false).count();
    }

    /**
     * Whether there is one entry, for the only face of the photo: only then the photo's name says whom it shows.
     *
     * @param found how many faces the service found in the photo by itself
     */
    static boolean isLone(List<Map<String, Object>> entries, int found) {
        return found == 1 && entries.size() == 1 && DrawnBoxes.isDrawn(entries.get(0)) == false;
    }

    private static String prefix(FaceAnswer.Faces found) {
        return found.file().sha256().substring(0, 16);
    }

    /** Whether an earlier run on this photo may have given the id: anybody can send one. */
    static boolean isIdOf(FaceAnswer.Faces found, @Nullable Object id) {
        return id instanceof String text && text.startsWith(prefix(found) + "-");
    }

    /** Gives each entry without an id the next free one of {@code prefix-0}, {@code prefix-1}, …, as its first field. */
    private static void addIds(List<Map<String, Object>> entries, String prefix) {
        Set<Object> ids = new HashSet<>();
        entries.forEach(entry -> ids.add(entry.get("id")));
        int number = 0;
        for (int i = 0; i < entries.size(); i++) {
            while (entries.get(i).get("id") == null) {
                String id = prefix + "-" + number++;
                if (ids.add(id)) {
                    Map<String, Object> withId = new LinkedHashMap<>();
                    withId.put("id", id);
                    withId.putAll(entries.get(i));
                    entries.set(i, withId);
                }
            }
        }
    }

    /** @param candidates of each entry, most similar first */
    static void addCandidates(List<Map<String, Object>> entries, List<List<Gallery.Candidate>> candidates) {
        for (int i = 0; i < entries.size(); i++) {
            List<Gallery.Candidate> ofFace = candidates.get(i);
            if (ofFace.isEmpty()) {
                continue;
            }
            Map<String, Object> entry = entries.get(i);
            if (ofFace.get(0).isMatch()) {
                entry.put("match", toFields(ofFace.get(0)));
            }
            entry.put("candidates", new ArrayList<>(ofFace.stream().map(FaceEntries::toFields).toList()));
            entry.put("best_similarity", ofFace.get(0).similarity());
        }
    }

    private static Map<String, Object> toFields(Gallery.Candidate candidate) {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (candidate.name() != null) {
            fields.put("name", candidate.name());
        }
        fields.put("similarity", candidate.similarity());
        if (candidate.probability() != null) {
            fields.put("probability", candidate.probability());
        }
        fields.put("gallery_id", candidate.galleryId());
        if (candidate.tags().isEmpty() == false) {
            fields.put("tags", new ArrayList<>(candidate.tags()));
        }
        return fields;
    }

    /** The highest number at a path in the entries, such as {@code quality.score}; null if no entry has one. */
    @Nullable
    static Double highest(List<Map<String, Object>> entries, String path) {
        return entries.stream()
            .map(entry -> DottedPaths.get(entry, path) instanceof Number number ? number.doubleValue() : null)
            .filter(Objects::nonNull)
            .max(Double::compare)
            .orElse(null);
    }
}
