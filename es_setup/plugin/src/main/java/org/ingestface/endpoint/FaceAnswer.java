package org.ingestface.endpoint;

import java.util.List;
import java.util.Map;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.rest.RestStatus;

/** The service's answer for one photo: its faces, or why it has none. */
public sealed interface FaceAnswer {

    /**
     * The photo is at fault.
     *
     * @param code one of the service's, such as {@code not_an_image}, or {@link #TOO_SLOW}
     */
    record PhotoError(String code, String message) implements FaceAnswer {

        /** The code of a photo that takes longer than the node waits, while the service answers others. */
        static final String TOO_SLOW = "too_slow";

        static PhotoError tooSlow(String endpoint, TimeValue timeout) {
            return new PhotoError(
                TOO_SLOW,
                "the photo takes longer than [" + timeout + "], while others that were sent later were answered; save it again as a plain "
                    + "JPEG, make it smaller, or raise [face.endpoint." + endpoint + ".timeout]"
            );
        }

        /** The exception for the client, with status 400. */
        public ElasticsearchStatusException exception() {
            // As a parameter, because the constructor would take braces in the message for placeholders.
            return new ElasticsearchStatusException("{}", RestStatus.BAD_REQUEST, "[" + code + "] " + message);
        }
    }

    /**
     * @param model     that found them
     * @param faces     in the service's order; empty if the photo shows none
     * @param photo     {@code width} and {@code height} in pixels, perhaps {@code taken} and {@code fingerprint}
     * @param thumbnail base64 JPEG; null if there is none
     */
    record Faces(Model model, List<Face> faces, Map<String, Object> photo, File file, @Nullable String thumbnail) implements FaceAnswer {}

    /**
     * @param id        only vectors of the same are comparable
     * @param digest    over everything that shapes a vector; null if the service gave none
     * @param precision that the faces were embedded in; null if the service gave none, as an older one does
     */
    record Model(String id, @Nullable String digest, @Nullable String precision) {}

    /**
     * The decoded photo as a file. Each part is null if the service gave none; a search needs none.
     *
     * @param size in bytes
     */
    record File(@Nullable Number size, @Nullable String mimeType, @Nullable String sha256) {}

    /**
     * One face.
     *
     * @param vector finite numbers, as many as the model has dimensions
     * @param area   of the box, in pixels of the upright photo
     * @param fields the face's JSON object, reduced to {@link #FIELDS} and in their order
     */
    record Face(float[] vector, double area, Map<String, Object> fields) {

        /** The parts of a face that a document gets: exactly those that the index template maps. */
        static final List<String> FIELDS = List.of("vector", "box", "confidence", "quality", "landmarks", "crop", "drawn");
    }
}
