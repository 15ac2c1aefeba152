package org.ingestface.document;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.core.Nullable;
import org.ingestface.endpoint.FaceAnswer;

/**
 * What people said about the faces of a document: {@code label}, {@code not}, and fields of their own. It outlives the faces. A new face
 * gets what was said about the face at its place, in the same photo or in another one, and the rest waits in the field
 * {@code unplaced} until a later photo has a face there.
 */
public final class Decisions {

    /** The fields of a face that people do not give. */
    public static final Set<String> MADE = Set.of(
        "id",
        "vector",
        "box",
        "confidence",
        "quality",
        "landmarks",
        "crop",
        "match",
        "candidates",
        "best_similarity",
        "group"
    );

    /**
     * A face of before.
     *
     * @param box  as fractions of its photo; null if unknown
     * @param said what people said about it; empty if nothing
     */
    private record Earlier(@Nullable Object id, @Nullable Object box, Map<String, Object> said) {}

    private record Overlap(int face, Earlier earlier, double share) {}

    private final List<Earlier> faces = new ArrayList<>();
    private final List<Earlier> unplaced = new ArrayList<>();

    /**
     * @param faces    the stored faces
     * @param photo    {width, height} of the photo that they were found in
     * @param unplaced the stored field {@code unplaced}
     */
    Decisions(List<Map<String, Object>> faces, @Nullable Object photo, List<Map<String, Object>> unplaced) {
        faces.forEach(face -> this.faces.add(earlier(face, Boxes.relative(face.get("box"), photo))));
        unplaced.forEach(face -> this.unplaced.add(earlier(face, face.get("box"))));
    }

    private static Earlier earlier(Map<String, Object> face, @Nullable Object box) {
        Map<String, Object> said = new LinkedHashMap<>(face);
        said.keySet().removeAll(MADE);
        said.values().removeIf(value -> value == null);
        return new Earlier(face.get("id"), box, said);
    }

    /**
     * Gives the faces that were found now what was said about them.
     *
     * @param samePhoto whether the stored faces are of this very photo: then a face keeps its {@code id} too
     * @return for each face the fields that it keeps, perhaps none
     */
    List<Map<String, Object>> place(FaceAnswer.Faces found, boolean samePhoto) {
        List<Object> boxes = new ArrayList<>();
        List<Map<String, Object>> kept = new ArrayList<>();
        for (FaceAnswer.Face face : found.faces()) {
            boxes.add(Boxes.relative(face.fields().get("box"), found.photo()));
            kept.add(new LinkedHashMap<>());
        }
        for (Overlap overlap : overlaps(boxes, faces)) {
            Map<String, Object> fields = kept.get(overlap.face);
            if (samePhoto && overlap.earlier.id != null) {
                fields.put("id", overlap.earlier.id);
            }
            fields.putAll(overlap.earlier.said);
            faces.remove(overlap.earlier);
        }
        for (Overlap overlap : overlaps(boxes, unplaced)) {
            Map<String, Object> fields = kept.get(overlap.face);
            if (MADE.containsAll(fields.keySet())) {
                fields.putAll(overlap.earlier.said);
                unplaced.remove(overlap.earlier);
            }
        }
        return kept;
    }

    /** The pairs of a new face and one of before that overlap by half, each face in one pair, those that overlap most first. */
    private static List<Overlap> overlaps(List<Object> boxes, List<Earlier> before) {
        List<Overlap> overlaps = new ArrayList<>();
        for (int face = 0; face < boxes.size(); face++) {
            for (Earlier earlier : before) {
                double share = Boxes.overlap(boxes.get(face), earlier.box);
                if (share >= Boxes.MIN_OVERLAP) {
                    overlaps.add(new Overlap(face, earlier, share));
                }
            }
        }
        overlaps.sort(Comparator.comparingDouble(Overlap::share).reversed());
        List<Overlap> pairs = new ArrayList<>();
        Set<Integer> paired = new HashSet<>();
        List<Earlier> remaining = new ArrayList<>(before);
        for (Overlap overlap : overlaps) {
            if (remaining.contains(overlap.earlier) && paired.add(overlap.face)) {
                remaining.remove(overlap.earlier);
                pairs.add(overlap);
            }
        }
        return pairs;
    }

    /** What was said about faces that have no place now, for the field {@code unplaced}; null if there is nothing. */
    @Nullable
    List<Map<String, Object>> unplaced() {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (List<Earlier> list : List.of(unplaced, faces)) {
            for (Earlier earlier : list) {
                if (earlier.said.isEmpty() == false) {
                    Map<String, Object> entry = new LinkedHashMap<>();
                    entry.put("id", earlier.id);
                    entry.put("box", earlier.box);
                    entry.values().removeIf(value -> value == null);
                    entry.putAll(earlier.said);
                    entries.add(entry);
                }
            }
        }
        return entries.isEmpty() ? null : entries;
    }
}
