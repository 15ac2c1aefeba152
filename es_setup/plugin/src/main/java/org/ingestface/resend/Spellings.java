package org.ingestface.resend;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.ingestface.common.DottedPaths;

/** Elasticsearch indexes {@code {"a": {"b": 1}}} and {@code {"a.b": 1}} as one field: a document with both has both values. */
final class Spellings {

    private Spellings() {}

    /** Removes from a document the fields that another one gives, in whichever spelling. */
    static void removeOthers(Map<String, Object> from, Map<?, ?> given) {
        removeOthers(from, "", given);
    }

    private static void removeOthers(Map<String, Object> from, String above, Map<?, ?> given) {
        given.forEach((key, value) -> {
            if (value instanceof Map<?, ?> object) {
                removeOthers(from, above + key + ".", object);
            } else {
                DottedPaths.remove(from, above + key);
            }
        });
    }

    /**
     * Of a field that an {@code _update} wrote beside the stored one, in the other spelling, keeps what is new.
     *
     * @param before the stored document
     * @param after  the document that takes its place; changed in place
     */
    @SuppressWarnings("unchecked") // a JSON object has string keys
    static void fold(Map<?, ?> before, Map<String, Object> after) {
        for (String key : List.copyOf(after.keySet())) {
            Object value = after.get(key);
            if (value instanceof Map<?, ?> object) {
                fold(before.get(key) instanceof Map<?, ?> earlier ? earlier : Map.of(), (Map<String, Object>) object);
            } else if (key.contains(".") && hasNested(after, key)) {
                if (isNew(before, key, value)) {
                    DottedPaths.remove(after, key);
                    DottedPaths.set(after, key, value);
                } else if (hasNested(before, key) == false || Objects.equals(nested(before, key), nested(after, key)) == false) {
                    after.remove(key);
                }
            }
        }
    }

    private static boolean isNew(Map<?, ?> before, String key, Object value) {
        return before.containsKey(key) == false || Objects.equals(before.get(key), value) == false;
    }

    /** Even as null, which removes the field. */
    private static boolean hasNested(Map<?, ?> object, String path) {
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            String rest = path.substring(dot + 1);
            if (object.get(path.substring(0, dot)) instanceof Map<?, ?> inner && (inner.containsKey(rest) || hasNested(inner, rest))) {
                return true;
            }
        }
        return false;
    }

    private static Object nested(Map<?, ?> object, String path) {
        Map<?, ?> others = new HashMap<>(object);
        others.remove(path);
        return DottedPaths.get(others, path);
    }
}
