package org.ingestface;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.elasticsearch.ResourceNotFoundException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchResponse;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.document.DocumentField;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.QueryBuilders;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * The query vector of a face in a document that is indexed already.
 *
 * @param index    an index, an alias or a pattern; the caller must be allowed to read it
 * @param id       the document's {@code _id}
 * @param faceId   {@code faces.id} of the face; null when not chosen so
 * @param position 0-based position among the document's faces; null when not chosen so. Neither: the largest
 * @param model    the model id that the document must have; null for any
 */
record StoredFaceQuery(String index, String id, @Nullable String faceId, @Nullable Integer position, @Nullable String model)
    implements Writeable, ToXContentFragment {

    private record StoredFace(@Nullable String id, float[] vector, double area) {}

    StoredFaceQuery {
        Objects.requireNonNull(index);
        Objects.requireNonNull(id);
    }

    static StoredFaceQuery read(StreamInput in) throws IOException {
        return new StoredFaceQuery(
            in.readString(),
            in.readString(),
            in.readOptionalString(),
            in.readOptionalVInt(),
            in.readOptionalString()
        );
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeString(index);
        out.writeString(id);
        out.writeOptionalString(faceId);
        out.writeOptionalVInt(position);
        out.writeOptionalString(model);
    }

    /**
     * A search and not a get, because from Elasticsearch 9 on the source comes without vectors and only {@code fields} has them.
     *
     * @param client   acts with the caller's rights
     * @param listener fails with status 404 when there is no such document, 400 when it has no such face or another model
     */
    void vector(Client client, ActionListener<float[]> listener) {
        SearchSourceBuilder source = new SearchSourceBuilder().query(QueryBuilders.idsQuery().addIds(id)).size(1).fetchSource(false);
        for (String field : List.of("model.id", "faces.id", "faces.vector", "faces.box.width", "faces.box.height")) {
            source.fetchField(field);
        }
        SearchRequest search = new SearchRequest(index).source(source).allowPartialSearchResults(false);
        client.search(search, listener.delegateFailureAndWrap((delegate, response) -> delegate.onResponse(choose(response))));
    }

    private float[] choose(SearchResponse response) {
        SearchHit[] hits = response.getHits().getHits();
        if (hits.length == 0) {
            throw new ResourceNotFoundException(
                "document [{}] not found in [{}]; a document becomes searchable after the next refresh",
                id,
                index
            );
        }
        Map<String, DocumentField> fields = hits[0].getFields();
        checkModel(fields.get("model.id"));
        return choose(readFaces(fields.get("faces")));
    }

    private void checkModel(@Nullable DocumentField modelId) {
        String found = modelId == null ? null : modelId.getValue();
        if (model != null && model.equals(found) == false) {
            throw new IllegalArgumentException(
                "document [" + id + "] of [" + index + "] has faces of model [" + found + "] but [" + model + "] was asked for; "
                    + "vectors of different models cannot be compared"
            );
        }
    }

    private float[] choose(List<StoredFace> faces) {
        if (faces.isEmpty()) {
            throw new IllegalArgumentException(
                "document [" + id + "] of [" + index + "] has no face with a vector in the nested field [faces]"
            );
        }
        if (faceId == null && position == null) {
            return faces.stream().max(Comparator.comparingDouble(StoredFace::area)).orElseThrow().vector();
        }
        if (position != null && position < faces.size()) {
            return faces.get(position).vector();
        }
        return faces.stream().filter(face -> faceId != null && faceId.equals(face.id())).findFirst().orElseThrow(() -> {
            List<String> ids = faces.stream().map(StoredFace::id).toList();
            Object wanted = position == null ? faceId : position;
            return new IllegalArgumentException(
                "face [" + wanted + "] not found in document [" + id + "] of [" + index + "]; its faces are " + ids
            );
        }).vector();
    }

    /** @param faces one value, an object of fields, for each nested face */
    private static List<StoredFace> readFaces(@Nullable DocumentField faces) {
        List<StoredFace> read = new ArrayList<>();
        for (Object value : faces == null ? List.of() : faces.getValues()) {
            if (value instanceof Map<?, ?> face) {
                float[] vector = vector(DottedPaths.get(face, "vector"));
                if (vector == null) {
                    continue;
                }
                Object faceId = first(DottedPaths.get(face, "id"));
                double area = number(DottedPaths.get(face, "box.width")) * number(DottedPaths.get(face, "box.height"));
                read.add(new StoredFace(faceId == null ? null : faceId.toString(), vector, area));
            }
        }
        return read;
    }

    @Nullable
    private static float[] vector(@Nullable Object value) {
        if (value instanceof List<?> list && list.size() == 1 && list.get(0) instanceof List<?> inner) {
            return vector(inner);
        }
        if (value instanceof List<?> numbers && numbers.isEmpty() == false && numbers.stream().allMatch(Number.class::isInstance)) {
            float[] vector = new float[numbers.size()];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = ((Number) numbers.get(i)).floatValue();
            }
            return vector;
        }
        return null;
    }

    private static double number(@Nullable Object values) {
        return first(values) instanceof Number number ? number.doubleValue() : 0;
    }

    @Nullable
    private static Object first(@Nullable Object values) {
        return values instanceof List<?> list ? (list.isEmpty() ? null : list.get(0)) : values;
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        builder.startObject("document").field("index", index).field("id", id);
        if (faceId != null) {
            builder.field("face", faceId);
        } else if (position != null) {
            builder.field("face", position);
        }
        builder.endObject();
        if (model != null) {
            builder.field("model", model);
        }
        return builder;
    }
}
