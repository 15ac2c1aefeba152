package org.ingestface.document;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.search.Gallery;

/** The objects of the field {@code faces}: each is a face that the service found, with what people decided and what a gallery matched. */
final class FaceEntries {

    /** The id of a face and people's decisions about it. They survive a new embedding of the same face. */
    private static final List<String> LASTING = List.of("id", "label", "not");

    private FaceEntries() {}

    /**
     * @param before     the stored faces of the same photo, from which ids and decisions are taken over
     * @param personName the photo's {@code person.name}; null if it has none
     * @return one mutable entry for each face, in order
     */
    static List<Map<String, Object>> of(FaceAnswer.Faces found, List<?> before, @Nullable Object personName) {
        List<Map<?, ?>> remaining = new ArrayList<>();
        before.forEach(face -> {
            if (face instanceof Map<?, ?> fields) {
                remaining.add(fields);
            }
        });
        List<Map<String, Object>> entries = new ArrayList<>();
        for (FaceAnswer.Face face : found.faces()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            Map<?, ?> same = Boxes.mostOverlapping(remaining, face.fields().get("box"));
            if (same != null) {
                remaining.remove(same);
                LASTING.stream().filter(name -> same.get(name) != null).forEach(name -> entry.put(name, same.get(name)));
                // The label of a single face may come from the photo's name, which does not say which one of several faces it means.
                Object label = DottedPaths.get(entry, "label.name");
                if (before.size() == 1 && found.faces().size() > 1 && label != null && label.equals(personName)) {
                    entry.remove("label");
                }
            }
            entry.putAll(face.fields());
            entries.add(entry);
        }
        addIds(entries, found.file().sha256().substring(0, 16));
        return entries;
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
                    Map<String, Object> withId = mutableMap("id", id);
                    withId.putAll(entries.get(i));
                    entries.set(i, withId);
                }
            }
        }
    }

    /**
     * @param candidates of each entry, most similar first
     * @return the highest similarity; null if there is no candidate
     */
    @Nullable
    static Double addCandidates(List<Map<String, Object>> entries, List<List<Gallery.Candidate>> candidates) {
        Double highest = null;
        for (int i = 0; i < entries.size(); i++) {
            List<Gallery.Candidate> ofFace = candidates.get(i);
            if (ofFace.isEmpty()) {
                continue;
            }
            Map<String, Object> entry = entries.get(i);
            double similarity = ofFace.get(0).similarity();
            if (ofFace.get(0).isMatch()) {
                entry.put("match", toFields(withTagsOfPerson(ofFace)));
            }
            entry.put("candidates", new ArrayList<>(ofFace.stream().map(FaceEntries::toFields).toList()));
            entry.put("best_similarity", similarity);
            highest = highest == null ? similarity : Math.max(highest, similarity);
        }
        return highest;
    }

    /** The best candidate with the tags of all candidates of that name, because a watch list may have tagged another portrait. */
    private static Gallery.Candidate withTagsOfPerson(List<Gallery.Candidate> ofFace) {
        Gallery.Candidate best = ofFace.get(0);
        List<String> tags = ofFace.stream()
            .filter(candidate -> candidate == best || best.name() != null && best.name().equals(candidate.name()))
            .flatMap(candidate -> candidate.tags().stream())
            .distinct()
            .toList();
        return new Gallery.Candidate(best.galleryId(), best.name(), best.similarity(), best.probability(), best.isMatch(), tags);
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

    /** Labels a face that is alone in its photo with the photo's name, unless it has a label. */
    @SuppressWarnings("unchecked") // a JSON object has string keys
    static void addPhotosLabel(List<?> faces, @Nullable Object personName) {
        if (faces.size() == 1 && personName instanceof String name) {
            Map<String, Object> face = (Map<String, Object>) faces.get(0);
            if (DottedPaths.get(face, "label") == null && DottedPaths.get(face, "label.name") == null) {
                face.put("label", mutableMap("name", name));
            }
        }
    }

    /** The number of faces that neither a label nor, for a face that is alone, the photo names. */
    static int countUnnamed(List<?> faces, @Nullable Object personName) {
        if (faces.size() == 1 && personName != null) {
            return 0;
        }
        return (int) faces.stream().filter(face -> DottedPaths.get((Map<?, ?>) face, "label.name") == null).count();
    }

    /** Mutable, because later processors expect that they can change every object of a document. */
    private static Map<String, Object> mutableMap(String key, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(key, value);
        return map;
    }
}
