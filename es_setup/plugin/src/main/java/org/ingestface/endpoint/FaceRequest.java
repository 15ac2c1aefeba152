package org.ingestface.endpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

import org.elasticsearch.common.Strings;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.json.JsonXContent;

/**
 * One photo for {@code POST /v1/faces}.
 *
 * @param image    base64 or a data: URI, as it was sent; the service decodes it strictly
 * @param model    the exact model id that must answer; null for any
 * @param priority whether the request is interactive
 * @param limits   which of the photo's faces to return
 * @param boxes    {x, y, width, height} in pixels of the upright photo, where people drew faces that are to be returned as well
 */
public record FaceRequest(String image, @Nullable String model, Priority priority, Limits limits, List<Map<String, Integer>> boxes) {

    /** Interactive ({@link #SEARCH}) or not ({@link #INGEST}), each with the parts of an answer that it needs. */
    public enum Priority {
        INGEST("send the document again", List.of("vector", "crop", "thumbnail", "fingerprint")),
        SEARCH("search again", List.of("vector"));

        private final String retryAdvice;
        private final List<String> parts;

        Priority(String retryAdvice, List<String> parts) {
            this.retryAdvice = retryAdvice;
            this.parts = parts;
        }

        /** What to do once an endpoint's fault is gone, as the end of a sentence. */
        String retryAdvice() {
            return retryAdvice;
        }
    }

    /**
     * Which faces of a photo to return.
     *
     * @param maxFaces      most faces, largest first; null for all
     * @param minConfidence of the detector, 0 to 1; null for any
     * @param minQuality    quality score, 0 to 1; null for any
     */
    public record Limits(@Nullable Integer maxFaces, @Nullable Double minConfidence, @Nullable Double minQuality) {

        public static final Limits NONE = new Limits(null, null, null);

        /** Whether a face of any confidence and quality is returned. */
        public boolean acceptAnyFace() {
            return minConfidence == null && minQuality == null;
        }
    }

    public FaceRequest {
        Objects.requireNonNull(image);
        Objects.requireNonNull(priority);
        Objects.requireNonNull(limits);
        boxes = List.copyOf(boxes);
    }

    /** Of a photo without drawn boxes. */
    public FaceRequest(String image, @Nullable String model, Priority priority, Limits limits) {
        this(image, model, priority, limits, List.of());
    }

    /** Bytes of the photo in memory: Latin-1 strings such as base64 take one byte a character. */
    long size() {
        return image.length();
    }

    /** @param batch at least one photo, all of one model and priority */
    static byte[] toJson(List<FaceRequest> batch) {
        FaceRequest first = batch.get(0);
        try (XContentBuilder json = JsonXContent.contentBuilder()) {
            json.startObject();
            if (first.model != null) {
                json.field("model", first.model);
            }
            json.field("priority", first.priority.name().toLowerCase(Locale.ROOT));
            json.stringListField("return", first.priority.parts);
            json.startArray("images");
            for (FaceRequest request : batch) {
                json.startObject().field("image", request.image);
                if (request.limits.equals(Limits.NONE) == false || request.boxes.isEmpty() == false) {
                    request.writeOptions(json);
                }
                json.endObject();
            }
            json.endArray().endObject();
            return BytesReference.toBytes(BytesReference.bytes(json));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writeOptions(XContentBuilder json) throws IOException {
        json.startObject("options");
        if (limits.maxFaces != null) {
            json.field("max_faces", limits.maxFaces);
        }
        if (limits.minConfidence != null) {
            json.field("min_confidence", limits.minConfidence);
        }
        if (limits.minQuality != null) {
            json.field("min_quality", limits.minQuality);
        }
        if (boxes.isEmpty() == false) {
            json.field("boxes", boxes);
        }
        json.endObject();
    }

    /** Without the photo, because it may be logged. */
    @Override
    public String toString() {
        return Strings.format("FaceRequest[%d characters, model %s, %s, %s, %d boxes]", image.length(), model, priority, limits, boxes.size());
    }
}
