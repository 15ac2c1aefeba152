package org.ingestface.resend;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.document.Boxes;
import org.ingestface.document.EarlierFace;
import org.ingestface.document.FaceOptions;

/** What people said about single faces, where a document is sent with its faces. */
final class SaidOfFaces {

    private static final String UNPLACED = "unplaced";

    private final FaceOptions options;
    private final Map<String, Object> stored;
    private final Map<String, Object> merged;

    private SaidOfFaces(FaceOptions options, Map<String, Object> stored, Map<String, Object> merged) {
        this.options = options;
        this.stored = stored;
        this.merged = merged;
    }

    /**
     * Gives each sent entry what people said about the same stored face and the entry does not mention: a field that was sent as
     * {@code null} takes the stored one back. What was said about a face of another photo, and has no place in this one, waits in
     * {@code unplaced}; an entry that was left out of the same photo stays out.
     *
     * @param stored the source of the stored document
     * @param merged the sent document with what stands; changed in place
     */
    static void keep(FaceOptions options, Map<String, Object> stored, Map<String, Object> merged) {
        new SaidOfFaces(options, stored, merged).keep();
    }

    private void keep() {
        List<EarlierFace> faces = new ArrayList<>();
        entries(options, "faces", stored).forEach(face -> faces.add(EarlierFace.of(face, relative(face, stored))));
        List<EarlierFace> unplaced = new ArrayList<>();
        entries(options, UNPLACED, stored).forEach(face -> unplaced.add(EarlierFace.of(face, face.get("box"))));
        for (Map<String, Object> entry : entries(options, "faces", merged)) {
            for (List<EarlierFace> earlier : List.of(faces, unplaced)) {
                EarlierFace same = sameFace(earlier, entry);
                if (same != null) {
                    earlier.remove(same);
                    same.said().forEach((field, value) -> {
                        if (EarlierFace.mentions(entry, field) == false) {
                            entry.put(field, value);
                        }
                    });
                }
            }
        }
        writeUnplaced(isOfSamePhoto() ? List.of() : faces, unplaced);
    }

    private void writeUnplaced(List<EarlierFace> faces, List<EarlierFace> waiting) {
        // The stored ones, unless the sender sent others.
        List<Map<String, Object>> sent = entries(options, UNPLACED, merged);
        List<Map<String, Object>> unplaced = new ArrayList<>();
        if (sent.equals(entries(options, UNPLACED, stored)) == false) {
            unplaced.addAll(sent);
        }
        for (List<EarlierFace> list : List.of(waiting, faces)) {
            for (EarlierFace earlier : list) {
                boolean isThere = unplaced.stream().anyMatch(entry -> earlier.id() != null && earlier.id().equals(entry.get("id")));
                if (isThere == false && earlier.said().isEmpty() == false) {
                    unplaced.add(earlier.unplaced());
                }
            }
        }
        DottedPaths.remove(merged, options.written(UNPLACED));
        if (unplaced.isEmpty() == false) {
            DottedPaths.set(merged, options.written(UNPLACED), unplaced);
        }
    }

    private boolean isOfSamePhoto() {
        String hash = options.written("file.hash.sha256");
        Object before = DottedPaths.get(stored, hash);
        return before != null && before.equals(DottedPaths.get(merged, hash));
    }

    @Nullable
    private EarlierFace sameFace(List<EarlierFace> before, Map<String, Object> entry) {
        Object box = relative(entry, merged);
        EarlierFace most = null;
        double best = Boxes.MIN_OVERLAP;
        for (EarlierFace earlier : before) {
            if (earlier.id() != null && earlier.id().equals(entry.get("id"))) {
                return earlier;
            }
            double overlap = Boxes.overlap(earlier.box(), box);
            if (overlap >= best) {
                best = overlap;
                most = earlier;
            }
        }
        return most;
    }

    @Nullable
    private Object relative(Map<String, Object> face, Map<String, Object> source) {
        return Boxes.relative(face.get("box"), DottedPaths.get(source, options.written("photo")));
    }

    /** The objects of an array; a synthetic {@code _source} has a single one as an object. */
    @SuppressWarnings("unchecked") // a JSON object has string keys
    static List<Map<String, Object>> entries(FaceOptions options, String field, Map<String, Object> source) {
        Object value = DottedPaths.get(source, options.written(field));
        List<Map<String, Object>> entries = new ArrayList<>();
        for (Object element : value instanceof List<?> list ? list : value == null ? List.of() : List.of(value)) {
            if (element instanceof Map<?, ?> entry) {
                entries.add((Map<String, Object>) entry);
            }
        }
        return entries;
    }
}
