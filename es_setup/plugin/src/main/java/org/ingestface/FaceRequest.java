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
 */
record FaceRequest(String image, @Nullable String model, Priority priority) {

    /** Whether a person waits ({@link #SEARCH}, goes first) or a bulk ({@link #INGEST}); each with the parts it has a use for. */
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

    FaceRequest {
        Objects.requireNonNull(image);
        Objects.requireNonNull(priority);
    }

    /** What the photo takes in memory, in bytes: base64 is one byte a character. */
    long size() {
        return image.length();
    }

    byte[] toJson() {
        try (XContentBuilder json = JsonXContent.contentBuilder()) {
            json.startObject();
            if (model != null) {
                json.field("model", model);
            }
            json.field("priority", priority.name().toLowerCase(Locale.ROOT));
            json.stringListField("return", priority.parts);
            json.startArray("images").startObject().field("image", image).endObject().endArray();
            json.endObject();
            return BytesReference.toBytes(BytesReference.bytes(json));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Without the photo: this may reach a log. */
    @Override
    public String toString() {
        return Strings.format("FaceRequest[%d characters, model %s, %s]", image.length(), model, priority);
    }
}
