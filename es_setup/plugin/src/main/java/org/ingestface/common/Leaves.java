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
 * The values of a document's source that Elasticsearch indexes, each with the path of its field, whichever mixture of objects, dots in keys
 * and arrays of objects spells it.
 */
public final class Leaves {

    /**
     * Longer paths end here, in characters: no field of the processor has one. Each value below a path is given all of it, so that a document
     * of a few hundred kilobytes could otherwise fill the node's memory.
     */
    static final int MAX_PATH = 500;

    private Leaves() {}

    /**
     * Visits each field that has a value: a scalar, or the scalars of an array as a list. Nothing that is null or empty, which is not
     * indexed.
     *
     * @param visitor gets the path and the value, which nobody else changes
     */
    public static void forEach(Map<?, ?> source, BiConsumer<String, Object> visitor) {
        visit("", source, visitor);
    }

    private static void visit(String path, @Nullable Object value, BiConsumer<String, Object> visitor) {
        if (value instanceof Map<?, ?> object) {
            object.forEach((key, inner) -> visit(path(path, key.toString()), inner, visitor));
        } else if (value instanceof List<?> list) {
            List<Object> scalars = new ArrayList<>();
            visitElements(path, list, scalars, visitor);
            if (scalars.isEmpty() == false) {
                visitor.accept(path, scalars);
            }
        } else if (value != null) {
            visitor.accept(path, value);
        }
    }

    /** @param scalars gets those of the list and of the lists in it */
    private static void visitElements(String path, List<?> list, List<Object> scalars, BiConsumer<String, Object> visitor) {
        for (Object element : list) {
            if (element instanceof List<?> inner) {
                visitElements(path, inner, scalars, visitor);
            } else if (element instanceof Map<?, ?>) {
                visit(path, element, visitor);
            } else if (element != null) {
                scalars.add(element);
            }
        }
    }

    /** Removes the values, and whole objects, at the paths that match, and the objects and arrays that this leaves empty. */
    public static void removeIf(Map<String, Object> source, Predicate<String> isRemoved) {
        for (String key : List.copyOf(source.keySet())) {
            Object left = without(key, "", source.get(key), isRemoved);
            if (left != source.get(key)) {
                if (left == null) {
                    source.remove(key);
                } else {
                    source.put(key, left);
                }
            }
        }
    }

    /** The value itself if nothing in it matches; null if nothing is left, or if all of it matches. */
    @Nullable
    private static Object without(String key, String above, @Nullable Object value, Predicate<String> isRemoved) {
        String path = path(above, key);
        return isRemoved.test(path) ? null : without(path, value, isRemoved);
    }

    /** A copy where something is removed, because an earlier processor may have left immutable objects. */
    @Nullable
    private static Object without(String path, @Nullable Object value, Predicate<String> isRemoved) {
        boolean isChanged = false;
        if (value instanceof Map<?, ?> object) {
            Map<String, Object> rest = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : object.entrySet()) {
                Object left = without(entry.getKey().toString(), path, entry.getValue(), isRemoved);
                isChanged |= left != entry.getValue();
                if (left != null || entry.getValue() == null) {
                    rest.put(entry.getKey().toString(), left);
                }
            }
            return isChanged == false ? object : rest.isEmpty() ? null : rest;
        }
        if (value instanceof List<?> list) {
            List<Object> rest = new ArrayList<>();
            for (Object element : list) {
                Object left = without(path, element, isRemoved);
                isChanged |= left != element;
                if (left != null || element == null) {
                    rest.add(left);
                }
            }
            return isChanged == false ? list : rest.isEmpty() ? null : rest;
        }
        return value;
    }

    /** Without empty parts, as of a key that ends with a dot. */
    private static String path(String above, String key) {
        if (above.length() >= MAX_PATH) {
            return above;
        }
        String tidy = key.contains(".")
            ? Arrays.stream(key.split("\\.")).filter(part -> part.isEmpty() == false).collect(Collectors.joining("."))
            : key;
        String path = above.isEmpty() ? tidy : tidy.isEmpty() ? above : above + "." + tidy;
        return path.length() <= MAX_PATH ? path : path.substring(0, MAX_PATH);
    }
}
