package org.ingestface.common;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

import org.elasticsearch.core.Nullable;

/**
 * Reads and changes a document's source where a path such as {@code file.hash.sha256} may be spelled with objects, with dots in a key,
 * or with both: Elasticsearch indexes {@code {"file": {"size": 1}}} and {@code {"file.size": 1}} as the same field.
 */
public final class DottedPaths {

    private DottedPaths() {}

    /** The value at a path, in whichever spelling; null if there is none. */
    @Nullable
    public static Object get(Map<?, ?> source, String path) {
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

    /** All values at a path, in every spelling and in arrays of objects: those that Elasticsearch indexes as this field. */
    public static List<Object> values(Map<?, ?> source, String path) {
        List<Object> values = new ArrayList<>();
        replaceEach(mutableCopy(source), path, value -> {
            values.add(value);
            return value;
        });
        return values;
    }

    /** Replaces each of the {@link #values}; null removes it, and the objects that this leaves empty. */
    public static void replaceEach(Map<String, Object> source, String path, UnaryOperator<Object> change) {
        replaceKey(source, path, change);
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            String rest = path.substring(dot + 1);
            replaceKey(source, path.substring(0, dot), inner -> replacedWithin(inner, rest, change));
        }
    }

    private static void replaceKey(Map<String, Object> source, String key, UnaryOperator<Object> change) {
        Object value = source.get(key);
        if (value != null) {
            Object changed = change.apply(value);
            if (changed == null) {
                source.remove(key);
            } else {
                source.put(key, changed);
            }
        }
    }

    /** A changed copy, because an earlier processor may have left immutable objects; null if nothing is left of it. */
    @Nullable
    private static Object replacedWithin(Object value, String path, UnaryOperator<Object> change) {
        if (value instanceof List<?> list) {
            List<Object> copy = new ArrayList<>();
            for (Object element : list) {
                Object changed = element == null ? null : replacedWithin(element, path, change);
                if (changed != null) {
                    copy.add(changed);
                }
            }
            return copy.isEmpty() ? null : copy;
        }
        if (value instanceof Map<?, ?> object && object.isEmpty() == false) {
            Map<String, Object> copy = mutableCopy(object);
            replaceEach(copy, path, change);
            return copy.isEmpty() ? null : copy;
        }
        return value;
    }

    /** Removes the value at a path and all values below it, in every spelling, and the objects that this leaves empty. */
    public static void remove(Map<String, Object> source, String path) {
        source.keySet().removeIf(key -> key.equals(path) || key.startsWith(path + "."));
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            String head = path.substring(0, dot);
            if (source.get(head) instanceof Map<?, ?> object && object.isEmpty() == false) {
                // A copy, because an earlier processor may have left an immutable map.
                Map<String, Object> rest = mutableCopy(object);
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
     * Sets a value and creates the objects that its path needs. Does nothing where the path leads through a value that is not an object:
     * that value is the sender's.
     */
    public static void set(Map<String, Object> source, String path, Object value) {
        int dot = path.indexOf('.');
        if (dot < 0) {
            source.put(path, value);
            return;
        }
        Object object = source.get(path.substring(0, dot));
        if (object == null || object instanceof Map<?, ?>) {
            Map<String, Object> rest = object == null ? new HashMap<>() : mutableCopy((Map<?, ?>) object);
            set(rest, path.substring(dot + 1), value);
            // If nothing could be set further down, an equal copy does no harm, but a new empty object would.
            if (rest.isEmpty() == false) {
                source.put(path.substring(0, dot), rest);
            }
        }
    }

    private static Map<String, Object> mutableCopy(Map<?, ?> object) {
        Map<String, Object> copy = new LinkedHashMap<>();
        object.forEach((key, value) -> copy.put((String) key, value));
        return copy;
    }
}
