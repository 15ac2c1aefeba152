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

    /** More marks on one letter than any language has: to sort them takes the square of their number. Unicode's stream-safe format. */
    private static final Pattern MANY_MARKS = Pattern.compile("\\p{M}{31}");

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
        return scalars(value).map(scalar -> strip(nfc(scalar.toString())))
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

    /** Without what is not seen at either end, such as a no-break space, which String.strip keeps, or one without width. */
    private static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isUnseen(text.codePointAt(start))) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (end > start && isUnseen(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean isUnseen(int character) {
        return switch (Character.getType(character)) {
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.CONTROL, Character.FORMAT -> true;
            default -> false;
        };
    }

    /**
     * A file system of macOS spells an accented letter with two characters, a keyboard with one; NFC is the one with one.
     *
     * @return the text itself if it has more than 30 marks in a row
     */
    public static String nfc(String text) {
        return inForm(text, Normalizer.Form.NFC);
    }

    /** As such a file system spells it; the text itself if it has more than 30 marks in a row. */
    public static String nfd(String text) {
        return inForm(text, Normalizer.Form.NFD);
    }

    private static String inForm(String text, Normalizer.Form form) {
        return MANY_MARKS.matcher(text).find() ? text : Normalizer.normalize(text, form);
    }
}
