package org.ingestface.resend;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.document.FaceOptions;

/** What people said of single faces, where a document is sent with its faces. */
final class SaidOfFaces {

    private static final List<String> SAID = List.of("label", "not");

    private SaidOfFaces() {}

    /**
     * Gives each sent entry that says nothing of its own what people said of the same stored face. A field that was sent as {@code null}
     * takes the stored one back, and an entry that was left out stays out.
     *
     * @param merged changed in place
     */
    static void keep(FaceOptions options, Map<String, Object> stored, Map<String, Object> merged) {
        List<Map<String, Object>> before = entries(options, stored);
        List<Map<String, Object>> entries = entries(options, merged);
        for (Map<String, Object> entry : entries) {
            Map<String, Object> same = sameFace(before, entry);
            if (same != null) {
                before.remove(same);
                SAID.stream().filter(field -> mentions(entry, field) == false && same.get(field) != null).forEach(field -> {
                    entry.put(field, same.get(field));
                });
            }
        }
    }

    @Nullable
    private static Map<String, Object> sameFace(List<Map<String, Object>> before, Map<String, Object> entry) {
        Object id = entry.get("id");
        return before.stream().filter(face -> id != null && id.equals(face.get("id"))).findFirst().orElse(null);
    }

    private static boolean mentions(Map<String, Object> entry, String field) {
        return entry.keySet().stream().anyMatch(key -> key.equals(field) || key.startsWith(field + "."));
    }

    /** A synthetic {@code _source} has one face as an object. */
    @SuppressWarnings("unchecked") // a JSON object has string keys
    static List<Map<String, Object>> entries(FaceOptions options, Map<String, Object> source) {
        Object faces = DottedPaths.get(source, options.written("faces"));
        List<Map<String, Object>> entries = new ArrayList<>();
        for (Object face : faces instanceof List<?> list ? list : faces == null ? List.of() : List.of(faces)) {
            if (face instanceof Map<?, ?> entry) {
                entries.add((Map<String, Object>) entry);
            }
        }
        return entries;
    }
}
