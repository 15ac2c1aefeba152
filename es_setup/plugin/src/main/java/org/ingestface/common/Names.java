package org.ingestface.common;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;

/** One notion of a name, for labels, counts and comparisons: a string that is not blank, trimmed, in Unicode's form NFC. */
public final class Names {

    /** What is not seen at either end, such as a no-break space, which String.strip keeps, or one without width. */
    private static final Pattern BLANK_ENDS = Pattern.compile("^[\\s\\p{Z}\\p{Cc}\\p{Cf}]+|[\\s\\p{Z}\\p{Cc}\\p{Cf}]+$");

    private Names() {}

    /**
     * The one name in a field's value, as Elasticsearch would index it as a keyword: a string, a number, a boolean, or an array with one
     * of them.
     *
     * @return null if the value has no name, or several different ones
     */
    @Nullable
    public static String plain(@Nullable Object value) {
        List<String> names = all(value);
        return names.size() == 1 ? names.get(0) : null;
    }

    /** All different names in a field's value, in order. */
    public static List<String> all(@Nullable Object value) {
        return scalars(value).map(scalar -> BLANK_ENDS.matcher(nfc(scalar.toString())).replaceAll(""))
            .filter(name -> name.isEmpty() == false)
            .distinct()
            .toList();
    }

    /**
     * A field's value with all its names in one form: a string for one name, an array for several.
     *
     * @return null if it has no name; the value itself if it has an object, which is no name but may not be lost
     */
    @Nullable
    public static Object tidy(@Nullable Object value) {
        if (hasObject(value)) {
            return value;
        }
        List<String> names = all(value);
        return names.isEmpty() ? null : names.size() == 1 ? names.get(0) : new ArrayList<>(names);
    }

    private static Stream<Object> scalars(@Nullable Object value) {
        if (value instanceof List<?> list) {
            return list.stream().flatMap(Names::scalars);
        }
        return value instanceof String || value instanceof Number || value instanceof Boolean ? Stream.of(value) : Stream.empty();
    }

    private static boolean hasObject(@Nullable Object value) {
        return value instanceof Map<?, ?> || value instanceof List<?> list && list.stream().anyMatch(Names::hasObject);
    }

    /** A file system of macOS spells an accented letter with two characters, a keyboard with one; NFC is the one with one. */
    public static String nfc(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFC);
    }
}
