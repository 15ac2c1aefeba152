package org.ingestface.document;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.elasticsearch.core.Nullable;

/**
 * A face of before, for which a place is sought among those of now.
 *
 * @param box  as fractions of its photo; null if unknown
 * @param said what people said about it: {@code label}, {@code not}, {@code ignored}, and fields of their own; empty if nothing
 */
public record EarlierFace(@Nullable Object id, @Nullable Object box, Map<String, Object> said) {

    /** The fields of a face that people do not give. */
    static final Set<String> MADE = Set.of(
        "id",
        "vector",
        "box",
        "confidence",
        "quality",
        "landmarks",
        "crop",
        "drawn",
        "match",
        "candidates",
        "best_similarity",
        "group"
    );

    /**
     * @param face a stored entry of {@code faces} or {@code unplaced}
     * @param box  its box as fractions of its photo; null if unknown
     */
    public static EarlierFace of(Map<String, Object> face, @Nullable Object box) {
        Map<String, Object> said = new LinkedHashMap<>(face);
        said.keySet().removeIf(key -> MADE.contains(head(key)));
        said.values().removeIf(Objects::isNull);
        return new EarlierFace(face.get("id"), box, said);
    }

    /** Whether an entry has a field, perhaps as null, in whichever spelling: a key may have dots, such as {@code label.name}. */
    public static boolean mentions(Map<String, Object> entry, String field) {
        return entry.keySet().stream().anyMatch(key -> head(key).equals(head(field)));
    }

    private static String head(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
    }

    /** What was said, with what it was said about, as an entry of the field {@code unplaced}. */
    public Map<String, Object> unplaced() {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("id", id);
        entry.put("box", box);
        entry.values().removeIf(Objects::isNull);
        entry.putAll(said);
        return entry;
    }
}
