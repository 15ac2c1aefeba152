package org.ingestface.document;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.core.Nullable;
import org.ingestface.endpoint.FaceAnswer;

/**
 * What people said about the faces of a document: {@code label}, {@code not}, {@code ignored}, and fields of their own. It outlives the
 * faces. A new face gets what was said about the face at its place, in the same photo or in another one, and the rest waits in the field
 * {@code unplaced} until a later photo has a face there.
 */
final class Decisions {

    private record Overlap(int face, EarlierFace earlier, double share) {}

    private final List<EarlierFace> faces = new ArrayList<>();
    private final List<EarlierFace> unplaced = new ArrayList<>();

    /**
     * @param faces    the stored faces
     * @param photo    {width, height} of the photo that they were found in
     * @param unplaced the stored field {@code unplaced}
     */
    Decisions(List<Map<String, Object>> faces, @Nullable Object photo, List<Map<String, Object>> unplaced) {
        faces.forEach(face -> this.faces.add(EarlierFace.of(face, Boxes.relative(face.get("box"), photo))));
        unplaced.forEach(face -> this.unplaced.add(EarlierFace.of(face, face.get("box"))));
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
            if (samePhoto && FaceEntries.isIdOf(found, overlap.earlier.id())) {
                fields.put("id", overlap.earlier.id());
            }
            fields.putAll(overlap.earlier.said());
            faces.remove(overlap.earlier);
        }
        for (Overlap overlap : overlaps(boxes, unplaced)) {
            Map<String, Object> fields = kept.get(overlap.face);
            if (EarlierFace.MADE.containsAll(fields.keySet())) {
                fields.putAll(overlap.earlier.said());
                unplaced.remove(overlap.earlier);
            }
        }
        return kept;
    }

    /** The pairs of a new face and one of before that overlap by half, each face in one pair, those that overlap most first. */
    private static List<Overlap> overlaps(List<Object> boxes, List<EarlierFace> before) {
        List<Overlap> overlaps = new ArrayList<>();
        for (int face = 0; face < boxes.size(); face++) {
            for (EarlierFace earlier : before) {
                double share = Boxes.overlap(boxes.get(face), earlier.box());
                if (share >= Boxes.MIN_OVERLAP) {
                    overlaps.add(new Overlap(face, earlier, share));
                }
            }
        }
        overlaps.sort(Comparator.comparingDouble(Overlap::share).reversed());
        List<Overlap> pairs = new ArrayList<>();
        Set<Integer> paired = new HashSet<>();
        // By identity, which takes the same time however many a sender gives.
        Set<EarlierFace> remaining = Collections.newSetFromMap(new IdentityHashMap<>());
        remaining.addAll(before);
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
        for (List<EarlierFace> list : List.of(unplaced, faces)) {
            for (EarlierFace earlier : list) {
                if (earlier.said().isEmpty() == false) {
                    entries.add(earlier.unplaced());
                }
            }
        }
        return entries.isEmpty() ? null : entries;
    }
}
