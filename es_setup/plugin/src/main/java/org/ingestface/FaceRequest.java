package org.ingestface;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
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
 * @param model    the exact model id that must answer; null for whichever the service has
 * @param priority whether someone waits for the answer
 * @param wanted   which of the photo's faces
 */
record FaceRequest(String image, @Nullable String model, Priority priority, Wanted wanted) {

    /** Whether a person waits ({@link #SEARCH}) or a bulk ({@link #INGEST}); each with the parts it has a use for. */
    enum Priority {
        INGEST("send the document again", List.of("vector", "crop", "thumbnail", "fingerprint")),
        SEARCH("search again", List.of("vector"));

        private final String again;
        private final List<String> parts;

        Priority(String again, List<String> parts) {
            this.again = again;
            this.parts = parts;
        }

        /** What to do once an endpoint's fault is gone: the end of a sentence. */
        String again() {
            return again;
        }
    }

    /**
     * @param maxFaces      keep so many, largest first; null for all
     * @param minConfidence of the detector, 0 to 1; null for any
     * @param minQuality    score 0 to 1; null for any
     */
    record Wanted(@Nullable Integer maxFaces, @Nullable Double minConfidence, @Nullable Double minQuality) {
        static final Wanted ALL = new Wanted(null, null, null);

        /** Whether no face of a photo is left out for what it is like. */
        boolean takesAnyFace() {
            return minConfidence == null && minQuality == null;
        }
    }

    FaceRequest {
        Objects.requireNonNull(image);
        Objects.requireNonNull(priority);
        Objects.requireNonNull(wanted);
    }

    /** What the photo takes in memory, in bytes: base64 is one byte a character. */
    long size() {
        return image.length();
    }

    /** @param batch at least one, all of one model and priority */
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
                if (request.wanted.equals(Wanted.ALL) == false) {
                    request.writeWanted(json);
                }
                json.endObject();
            }
            json.endArray().endObject();
            return BytesReference.toBytes(BytesReference.bytes(json));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writeWanted(XContentBuilder json) throws IOException {
        json.startObject("options");
        if (wanted.maxFaces != null) {
            json.field("max_faces", wanted.maxFaces);
        }
        if (wanted.minConfidence != null) {
            json.field("min_confidence", wanted.minConfidence);
        }
        if (wanted.minQuality != null) {
            json.field("min_quality", wanted.minQuality);
        }
        json.endObject();
    }

    /** Without the photo: this may reach a log. */
    @Override
    public String toString() {
        return Strings.format("FaceRequest[%d characters, model %s, %s, %s]", image.length(), model, priority, wanted);
    }
}
