package org.ingestface.document;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;

/** A document's source, or the object in it that a {@code target_field} names, as fields with dotted paths. */
final class DocumentFields {

    private final Map<String, Object> source;
    private final String prefix;

    /**
     * @param source changed in place
     * @param target path of the object that all fields lie in; null for the top of the document
     */
    DocumentFields(Map<String, Object> source, @Nullable String target) {
        this.source = source;
        this.prefix = target == null ? "" : target + ".";
    }

    /** The field's path in the whole document. */
    String path(String field) {
        return prefix + field;
    }

    @Nullable
    Object get(String field) {
        return DottedPaths.get(source, path(field));
    }

    void remove(String field) {
        DottedPaths.remove(source, path(field));
    }

    /** Does nothing if the value is null, or if something that is not an object is in the way. */
    void set(String field, @Nullable Object value) {
        if (value != null) {
            DottedPaths.set(source, path(field), value);
        }
    }

    void setIfAbsent(String field, @Nullable Object value) {
        if (get(field) == null) {
            set(field, value);
        }
    }

    /** Sets the value instead of what is there in any spelling; only removes that if the value is null. */
    void replace(String field, @Nullable Object value) {
        remove(field);
        set(field, value);
    }

    /** Does nothing if {@code tags} is an object, which cannot be extended. */
    void addTag(String tag) {
        List<Object> tags = tags();
        if (tags != null) {
            tags.add(tag);
            replace("tags", tags);
        }
    }

    void removeTag(String tag) {
        List<Object> tags = tags();
        if (tags != null && tags.removeIf(tag::equals)) {
            replace("tags", tags.isEmpty() ? null : tags);
        }
    }

    /** A copy of the tags; null if {@code tags} is an object. */
    @Nullable
    private List<Object> tags() {
        Object tags = get("tags");
        if (tags instanceof Map<?, ?>) {
            return null;
        }
        List<Object> copy = new ArrayList<>();
        if (tags instanceof List<?> list) {
            copy.addAll(list);
        } else if (tags != null) {
            copy.add(tags);
        }
        return copy;
    }
}
