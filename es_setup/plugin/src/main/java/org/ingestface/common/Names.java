package org.ingestface.common;

import java.text.Normalizer;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.core.Nullable;

/** One notion of a name, for labels, counts and comparisons: a string that is not blank, trimmed, in Unicode's form NFC. */
public final class Names {

    private Names() {}

    /**
     * The one name in a field's value, as Elasticsearch would index it as a keyword: a string, a number, a boolean, or an array with one
     * of them.
     *
     * @return null if the value has no name, or several different ones
     */
    @Nullable
    public static String plain(@Nullable Object value) {
        if (value instanceof List<?> list) {
            List<String> names = list.stream().map(Names::plain).filter(Objects::nonNull).distinct().toList();
            return names.size() == 1 ? names.get(0) : null;
        }
        if (value instanceof String || value instanceof Number || value instanceof Boolean) {
            String name = nfc(value.toString()).strip();
            return name.isEmpty() ? null : name;
        }
        return null;
    }

    /** A file system of macOS spells an accented letter with two characters, a keyboard with one; NFC is the one with one. */
    public static String nfc(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFC);
    }
}
