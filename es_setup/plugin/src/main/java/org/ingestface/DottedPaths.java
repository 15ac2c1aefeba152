package org.ingestface;

import java.util.HashMap;
import java.util.Map;

import org.elasticsearch.core.Nullable;

/**
 * Reads and changes a document's source where a path such as {@code file.hash.sha256} may be spelled with objects, with dots in a key,
 * or with both: Elasticsearch indexes {@code {"file": {"size": 1}}} and {@code {"file.size": 1}} as the same field.
 */
final class DottedPaths {

    private DottedPaths() {}

    /** The value at a path, however it is spelled; null when there is none. */
    @Nullable
    static Object get(Map<?, ?> source, String path) {
        Object whole = source.get(path);
        if (whole != null) {
            return whole;
        }
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            if (source.get(path.substring(0, dot)) instanceof Map<?, ?> object) {
                Object value = get(object, path.substring(dot + 1));
                if (value != null) {
                    return value;
                }
            }
        }
        return null;
    }

    /** Removes what is at a path and below it, in every spelling, and the objects that this leaves empty. */
    static void remove(Map<String, Object> source, String path) {
        source.keySet().removeIf(key -> key.equals(path) || key.startsWith(path + "."));
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            String head = path.substring(0, dot);
            if (source.get(head) instanceof Map<?, ?> object && object.isEmpty() == false) {
                // A copy, because a processor before this one may have put in an immutable map.
                Map<String, Object> rest = mutable(object);
                remove(rest, path.substring(dot + 1));
                if (rest.isEmpty()) {
                    source.remove(head);
                } else {
                    source.put(head, rest);
                }
            }
        }
    }

    /**
     * Sets a value, making objects on the way. Where something that is not an object is in the way, nothing is set: it is the sender's,
     * and the mapping's business.
     */
    static void set(Map<String, Object> source, String path, Object value) {
        int dot = path.indexOf('.');
        if (dot < 0) {
            source.put(path, value);
            return;
        }
        Object object = source.get(path.substring(0, dot));
        if (object == null || object instanceof Map<?, ?>) {
            Map<String, Object> rest = object == null ? new HashMap<>() : mutable((Map<?, ?>) object);
            set(rest, path.substring(dot + 1), value);
            // Even when nothing could be set further down, an equal copy does no harm; an empty new object would.
            if (rest.isEmpty() == false) {
                source.put(path.substring(0, dot), rest);
            }
        }
    }

    private static Map<String, Object> mutable(Map<?, ?> object) {
        Map<String, Object> copy = new HashMap<>();
        object.forEach((key, value) -> copy.put((String) key, value));
        return copy;
    }
}
