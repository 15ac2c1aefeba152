package org.ingestface.search;

import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.endpoint.FaceClient;
import org.ingestface.endpoint.FaceRequest;

/**
 * The query vector of a face in a photo that comes with the query.
 *
 * @param image    base64 or a data: URI
 * @param face     0-based position among the photo's faces; null for the largest
 * @param endpoint name of the endpoint to ask
 * @param model    the exact model id that must answer; null for any
 */
record PhotoQuery(String image, @Nullable Integer face, String endpoint, @Nullable String model)
    implements Writeable, ToXContentFragment {

    PhotoQuery {
        Objects.requireNonNull(image);
        Objects.requireNonNull(endpoint);
    }

    static PhotoQuery read(StreamInput in) throws IOException {
        return new PhotoQuery(in.readString(), in.readOptionalVInt(), in.readString(), in.readOptionalString());
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeString(image);
        out.writeOptionalVInt(face);
        out.writeString(endpoint);
        out.writeOptionalString(model);
    }

    /**
     * @param listener fails with status 400 if the photo is at fault or the endpoint is not configured, 429 if the endpoint cannot answer
     */
    void vector(FaceClient client, ActionListener<float[]> listener) {
        try {
            // Status 400 and not 429 as for a document, because the query itself names the endpoint.
            client.requireConfigured(endpoint);
        } catch (IllegalArgumentException e) {
            listener.onFailure(e);
            return;
        }
        FaceRequest request = new FaceRequest(image, model, FaceRequest.Priority.SEARCH, FaceRequest.Limits.NONE);
        client.find(endpoint, request, listener.delegateFailureAndWrap((delegate, timed) -> delegate.onResponse(choose(timed.answer()))));
    }

    private float[] choose(FaceAnswer answer) {
        if (answer instanceof FaceAnswer.PhotoError error) {
            throw error.exception();
        }
        List<FaceAnswer.Face> faces = ((FaceAnswer.Faces) answer).faces();
        if (faces.isEmpty()) {
            throw new IllegalArgumentException("no face found in [image]; take a photo that shows a face upright and from the front");
        }
        if (face == null) {
            return faces.stream().max(Comparator.comparingDouble(FaceAnswer.Face::area)).orElseThrow().vector();
        }
        if (face >= faces.size()) {
            throw new IllegalArgumentException(
                "face [" + face + "] not found in [image]: it has [" + faces.size() + "] faces, counted from [0]"
            );
        }
        return faces.get(face).vector();
    }

    /**
     * Without the photo. Elasticsearch writes a query as JSON only to show it, in tasks, slow logs, audit logs and errors, where megabytes
     * of someone's photo must not appear. Between nodes a query is sent by {@link #writeTo}.
     */
    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        builder.field("image", "(" + image.length() + " characters, not shown)");
        if (face != null) {
            builder.field("face", face);
        }
        builder.field("endpoint", endpoint);
        if (model != null) {
            builder.field("model", model);
        }
        return builder;
    }

    @Override
    public String toString() {
        return "PhotoQuery[" + image.length() + " characters, face " + face + ", endpoint " + endpoint + ", model " + model + "]";
    }
}
