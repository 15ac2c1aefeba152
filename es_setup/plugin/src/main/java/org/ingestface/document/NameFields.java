package org.ingestface.document;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.common.Names;

/**
 * The fields in which people name somebody: {@code person.name} of a photo, {@code label.name} and {@code not} of a face. And {@code
 * ignored}, of a face that needs no name because nobody wants to see it.
 *
 * <p>A sender may give them in any shape that Elasticsearch indexes as a keyword. They are stored in one form, so that the labels, the
 * number of unnamed faces and the field {@code people}, which the mapping fills, have the same names.
 */
final class NameFields {

    private static final String PERSON = "person.name";
    private static final String LABEL = "label.name";
    private static final String IGNORED = "ignored";

    private NameFields() {}

    /** Brings the photo's name into one form. It is the sender's, at the top of the document whatever the target is. */
    static void tidyPerson(Map<String, Object> source) {
        DottedPaths.replaceEach(source, PERSON, Names::tidy);
        source.computeIfPresent("person", (key, person) -> onlyElement(person) instanceof Map<?, ?> object ? object : person);
    }

    /** The photo's name; null if it has none, or several, which do not say whom a face shows. */
    @Nullable
    static String person(Map<String, Object> source) {
        return Names.plain(DottedPaths.values(source, PERSON));
    }

    /**
     * The objects of an array such as {@code faces}, with label, {@code not} and {@code ignored} in one form.
     *
     * @param faces one object is an array of one, as in a synthetic {@code _source}
     * @return copies, since an earlier processor may have left immutable objects
     */
    static List<Map<String, Object>> tidyEntries(@Nullable Object faces) {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (Object face : faces instanceof List<?> list ? list : faces == null ? List.of() : List.of(faces)) {
            if (face instanceof Map<?, ?> object) {
                Map<String, Object> entry = new LinkedHashMap<>();
                object.forEach((key, value) -> entry.put((String) key, value));
                tidyLabel(entry);
                DottedPaths.replaceEach(entry, "not", NameFields::tidyNot);
                DottedPaths.replaceEach(entry, IGNORED, ignored -> isTrue(ignored) ? true : null);
                entries.add(entry);
            }
        }
        return entries;
    }

    private static void tidyLabel(Map<String, Object> entry) {
        Object label = onlyElement(entry.get("label"));
        if (label != null) {
            boolean isObject = label instanceof Map<?, ?> || label instanceof List<?> && Names.tidy(label) == label;
            entry.put("label", isObject ? label : mutableMap("name", label));
        }
        if (entry.get(LABEL) != null && (entry.get("label") == null || entry.get("label") instanceof Map<?, ?>)) {
            // Stored labels are objects, so a key with a dot is new.
            Object name = entry.get(LABEL);
            DottedPaths.remove(entry, LABEL);
            DottedPaths.set(entry, LABEL, name);
        }
        DottedPaths.replaceEach(entry, LABEL, Names::tidy);
    }

    /** Always an array, since a face may be rejected for several people. */
    @Nullable
    private static Object tidyNot(Object names) {
        Object tidy = Names.tidy(names);
        return tidy instanceof String name ? new ArrayList<>(List.of(name)) : tidy;
    }

    /** In any shape that Elasticsearch indexes as a true boolean. */
    private static boolean isTrue(Object value) {
        return value instanceof List<?> list ? list.stream().anyMatch(NameFields::isTrue) : "true".equals(String.valueOf(value));
    }

    @Nullable
    private static Object onlyElement(@Nullable Object value) {
        return value instanceof List<?> list && list.size() == 1 ? list.get(0) : value;
    }

    /** Who a person said a face shows; null if nobody did, or if there are several names. */
    @Nullable
    static String label(Map<String, Object> entry) {
        return Names.plain(DottedPaths.values(entry, LABEL));
    }

    /** Whether a person said who a face shows or does not show, or that nobody wants to see it. */
    private static boolean isDecided(Map<String, Object> entry) {
        return isIgnored(entry) || DottedPaths.values(entry, LABEL).isEmpty() == false || DottedPaths.values(entry, "not").isEmpty() == false;
    }

    private static boolean isIgnored(Map<String, Object> entry) {
        return Boolean.TRUE.equals(entry.get(IGNORED));
    }

    /** @param entries of {@link #tidyEntries} */
    static int unnamed(List<Map<String, Object>> entries) {
        return (int) entries.stream().filter(face -> label(face) == null && isIgnored(face) == false).count();
    }

    /**
     * The number of faces with candidates about which nobody has decided; null if no face has candidates.
     *
     * @param entries of {@link #tidyEntries}
     */
    @Nullable
    static Integer undecided(List<Map<String, Object>> entries) {
        List<Map<String, Object>> withCandidates = entries.stream().filter(face -> face.get("best_similarity") != null).toList();
        long undecided = withCandidates.stream().filter(face -> isDecided(face) == false).count();
        return withCandidates.isEmpty() ? null : (int) undecided;
    }

    /** Only faces that nobody has named or ignored are in a group of {@code faces group}. */
    static void leaveGroups(List<Map<String, Object>> entries) {
        entries.stream().filter(face -> label(face) != null || isIgnored(face)).forEach(face -> DottedPaths.remove(face, "group"));
    }

    /** Whether the label is nothing but this name. */
    static boolean isOnlyLabelled(Map<String, Object> entry, String name) {
        return Map.of("name", name).equals(entry.get("label"));
    }

    /** Labels a face with the photo's name, unless it has one of its own. */
    static void addPhotosLabel(Map<String, Object> entry, String name) {
        if (DottedPaths.values(entry, LABEL).isEmpty()) {
            DottedPaths.set(entry, LABEL, name);
        }
    }

    /** Mutable, because later processors expect that they can change every object of a document. */
    private static Map<String, Object> mutableMap(String key, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(key, value);
        return map;
    }
}
