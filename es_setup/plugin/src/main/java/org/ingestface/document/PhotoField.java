package org.ingestface.document;

import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.elasticsearch.common.hash.MessageDigests;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestDocument;
import org.ingestface.common.DataUris;
import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.FaceAnswer;

/**
 * The field with a document's photo.
 *
 * @param name the option {@code field}
 */
record PhotoField(String name) {

    /** The photo, of any type; null if there is none. Its key may have dots: Elasticsearch indexes both spellings as one field. */
    @Nullable
    Object get(IngestDocument document) {
        Object value = document.getFieldValue(name, Object.class, true);
        return value != null ? value : DottedPaths.get(document.getSource(), FaceOptions.path(name));
    }

    void remove(IngestDocument document) {
        if (document.hasField(name)) {
            document.removeField(name);
        } else {
            DottedPaths.remove(document.getSource(), FaceOptions.path(name));
        }
    }

    IllegalArgumentException missing(IngestDocument document) {
        return new IllegalArgumentException(
            document.hasField(name)
                ? "field [" + name + "] is null, cannot find faces."
                : "field [" + name + "] not present as part of path [" + name + "]"
        );
    }

    FaceAnswer.PhotoError notBase64(Object photo) {
        String message = "field [" + name + "] of type [" + photo.getClass().getName() + "] is not a base64 string";
        return new FaceAnswer.PhotoError("not_base64", photo instanceof List<?> ? message + "; send one photo in each document" : message);
    }

    static boolean containsObject(Object photo) {
        return photo instanceof Map<?, ?> || photo instanceof List<?> list && list.stream().anyMatch(PhotoField::containsObject);
    }

    /** Of the photo's bytes, in hexadecimal; null if it is not base64, which the service reports. */
    @Nullable
    static String sha256(Object photo) {
        byte[] bytes = photo instanceof byte[] raw ? raw : DataUris.photoBytes(Objects.toString(photo));
        return bytes == null ? null : MessageDigests.toHexString(MessageDigests.sha256().digest(bytes));
    }
}
