package org.ingestface.common;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.elasticsearch.core.Nullable;

/**
 * The values of a document's source that Elasticsearch indexes, each with the full path of its field, whichever mixture of objects, dots in
 * keys and arrays of objects spells it.
 */
public final class Leaves {

    private Leaves() {}

    /**
     * Visits each scalar, and each array without objects as one value; nothing that is null or empty, which is not indexed.
     *
     * @param visitor gets the path and the value
     */
    public static void forEach(Map<?, ?> source, BiConsumer<String, Object> visitor) {
        visit("", source, visitor);
    }

    private static void visit(String path, @Nullable Object value, BiConsumer<String, Object> visitor) {
        if (value instanceof Map<?, ?> object) {
            object.forEach((key, inner) -> visit(path(path, key.toString()), inner, visitor));
        } else if (value instanceof List<?> list && list.stream().anyMatch(Leaves::hasFields)) {
            list.forEach(element -> visit(path, element, visitor));
        } else if (value != null && (value instanceof List<?> list && list.isEmpty()) == false) {
            visitor.accept(path, value);
        }
    }

    private static boolean hasFields(Object value) {
        return value instanceof Map<?, ?> || value instanceof List<?> list && list.stream().anyMatch(Leaves::hasFields);
    }

    /** Removes the values, and whole objects, at the paths that match, and the objects and arrays that this leaves empty. */
    public static void removeIf(Map<String, Object> source, Predicate<String> isRemoved) {
        Map<String, Object> rest = without("", source, isRemoved);
        source.keySet().retainAll(rest.keySet());
        source.putAll(rest);
    }

    /** A copy, because an earlier processor may have left immutable objects. */
    private static Map<String, Object> without(String above, Map<?, ?> object, Predicate<String> isRemoved) {
        Map<String, Object> rest = new LinkedHashMap<>();
        object.forEach((key, value) -> {
            String path = path(above, key.toString());
            if (isRemoved.test(path) == false) {
                Object left = without(path, value, isRemoved);
                if (left != null || value == null) {
                    rest.put(key.toString(), left);
                }
            }
        });
        return rest;
    }

    /** The value itself if nothing in it matches; null if nothing is left. */
    @Nullable
    private static Object without(String path, @Nullable Object value, Predicate<String> isRemoved) {
        if (value instanceof Map<?, ?> object && object.isEmpty() == false) {
            Map<String, Object> rest = without(path, object, isRemoved);
            return rest.isEmpty() ? null : rest.equals(object) ? object : rest;
        }
        if (value instanceof List<?> list && list.stream().anyMatch(Leaves::hasFields)) {
            List<Object> rest = new ArrayList<>();
            for (Object element : list) {
                Object left = without(path, element, isRemoved);
                if (left != null || element == null) {
                    rest.add(left);
                }
            }
            return rest.isEmpty() ? null : rest.equals(list) ? list : rest;
        }
        return value;
    }

    /** Without empty parts, as of a key that ends with a dot. */
    private static String path(String above, String key) {
        String tidy = key.contains(".")
            ? Arrays.stream(key.split("\\.")).filter(part -> part.isEmpty() == false).collect(Collectors.joining("."))
            : key;
        return above.isEmpty() ? tidy : tidy.isEmpty() ? above : above + "." + tidy;
    }
}
