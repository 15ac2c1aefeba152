package org.ingestface.resend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.document.Boxes;
import org.ingestface.document.Decisions;
import org.ingestface.document.FaceOptions;

/** What people said about single faces, where a document is sent with its faces. */
final class SaidOfFaces {

    private static final String UNPLACED = "unplaced";

    private final FaceOptions options;
    private final Map<String, Object> stored;
    private final Map<String, Object> merged;

    /**
     * A stored face.
     *
     * @param box  as fractions of its photo; null if unknown
     * @param said what people said about it; empty if nothing
     */
    private record Earlier(@Nullable Object id, @Nullable Object box, Map<String, Object> said) {}

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
        List<Earlier> faces = new ArrayList<>();
        entries(options, "faces", stored).forEach(face -> faces.add(earlier(face, relative(face, stored))));
        List<Earlier> unplaced = new ArrayList<>();
        entries(options, UNPLACED, stored).forEach(face -> unplaced.add(earlier(face, face.get("box"))));
        for (Map<String, Object> entry : entries(options, "faces", merged)) {
            for (List<Earlier> earlier : List.of(faces, unplaced)) {
                Earlier same = sameFace(earlier, entry);
                if (same != null) {
                    earlier.remove(same);
                    same.said.forEach((field, value) -> {
                        if (mentions(entry, field) == false) {
                            entry.put(field, value);
                        }
                    });
                }
            }
        }
        writeUnplaced(isOfSamePhoto() ? List.of() : faces, unplaced);
    }

    private void writeUnplaced(List<Earlier> faces, List<Earlier> waiting) {
        // The stored ones, unless the sender sent others.
        List<Map<String, Object>> sent = entries(options, UNPLACED, merged);
        List<Map<String, Object>> unplaced = new ArrayList<>();
        if (sent.equals(entries(options, UNPLACED, stored)) == false) {
            unplaced.addAll(sent);
        }
        for (List<Earlier> list : List.of(waiting, faces)) {
            for (Earlier earlier : list) {
                boolean isThere = unplaced.stream().anyMatch(entry -> earlier.id != null && earlier.id.equals(entry.get("id")));
                if (isThere == false && earlier.said.isEmpty() == false) {
                    Map<String, Object> entry = new LinkedHashMap<>();
                    entry.put("id", earlier.id);
                    entry.put("box", earlier.box);
                    entry.values().removeIf(Objects::isNull);
                    entry.putAll(earlier.said);
                    unplaced.add(entry);
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

    private static Earlier earlier(Map<String, Object> face, @Nullable Object box) {
        Map<String, Object> said = new LinkedHashMap<>(face);
        said.keySet().removeIf(key -> Decisions.MADE.contains(head(key)));
        said.values().removeIf(Objects::isNull);
        return new Earlier(face.get("id"), box, said);
    }

    @Nullable
    private Earlier sameFace(List<Earlier> before, Map<String, Object> entry) {
        Object box = relative(entry, merged);
        Earlier most = null;
        double best = Boxes.MIN_OVERLAP;
        for (Earlier earlier : before) {
            if (earlier.id != null && earlier.id.equals(entry.get("id"))) {
                return earlier;
            }
            double overlap = Boxes.overlap(earlier.box, box);
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

    private static boolean mentions(Map<String, Object> entry, String field) {
        return entry.keySet().stream().anyMatch(key -> head(key).equals(head(field)));
    }

    /** A key may be spelled with dots, such as {@code label.name}. */
    private static String head(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
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
