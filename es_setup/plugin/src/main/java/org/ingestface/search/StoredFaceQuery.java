package org.ingestface.search;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.apache.lucene.search.join.ScoreMode;
import org.elasticsearch.ResourceNotFoundException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchResponse;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.document.DocumentField;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.index.query.QueryBuilders;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.search.sort.SortBuilders;
import org.elasticsearch.search.sort.SortOrder;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;
import org.ingestface.common.DottedPaths;

/**
 * The query vector of a face in an indexed document. The document is given by its id or by a query: then it is the one with the best
 * score, and among equal ones the newest. The face is given by its id or position; with neither it is the largest.
 *
 * @param index    an index, an alias or a pattern, which the caller must be allowed to read
 * @param id       the document's {@code _id}; null if {@code filter} is given
 * @param filter   query for the document; null if {@code id} is given
 * @param faceId   {@code faces.id} of the face; null if not chosen by id
 * @param position 0-based position among the document's faces; null if not chosen by position
 * @param model    the model id that the document must have; null for any
 * @param target   the pipeline's {@code target_field}, the object with the document's faces; null for the top of the document
 */
record StoredFaceQuery(String index, @Nullable String id, @Nullable QueryBuilder filter, @Nullable String faceId,
    @Nullable Integer position, @Nullable String model, @Nullable String target) implements Writeable, ToXContentFragment {

    /** Prefix of a clause's {@code _name} in {@code filter} whose rest is the id of the face to take. */
    private static final String FACE_CLAUSE = "face:";

    private record StoredFace(@Nullable String id, float[] vector, double area) {}

    StoredFaceQuery {
        Objects.requireNonNull(index);
        if ((id == null) == (filter == null)) {
            throw new IllegalArgumentException("one of id and filter");
        }
    }

    static StoredFaceQuery read(StreamInput in) throws IOException {
        return new StoredFaceQuery(
            in.readString(),
            in.readOptionalString(),
            in.readOptionalNamedWriteable(QueryBuilder.class),
            in.readOptionalString(),
            in.readOptionalVInt(),
            in.readOptionalString(),
            in.readOptionalString()
        );
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeString(index);
        out.writeOptionalString(id);
        out.writeOptionalNamedWriteable(filter);
        out.writeOptionalString(faceId);
        out.writeOptionalVInt(position);
        out.writeOptionalString(model);
        out.writeOptionalString(target);
    }

    /**
     * Searches instead of getting the document, because from Elasticsearch 9 on {@code _source} lacks vectors and only {@code fields} has
     * them.
     *
     * @param client   acts with the caller's privileges
     * @param listener fails with status 404 if there is no such document, 400 if it has no such face or another model
     */
    void vector(Client client, ActionListener<float[]> listener) {
        SearchSourceBuilder source = new SearchSourceBuilder().query(documentQuery()).size(2).fetchSource(false).trackTotalHits(false);
        for (String face : List.of("faces", "face")) {
            for (String field : List.of(".id", ".box.width", ".box.height")) {
                source.fetchField(path(face + field));
            }
        }
        if (filter != null) {
            source.sort(SortBuilders.scoreSort());
            source.sort(SortBuilders.fieldSort(path("@timestamp")).order(SortOrder.DESC).unmappedType("date"));
        }
        source.fetchField(path("model.id")).fetchField(path("faces.vector")).fetchField(path("vector"));
        SearchRequest search = new SearchRequest(Strings.splitStringByCommaToArray(index)).source(source).allowPartialSearchResults(false);
        client.search(search, listener.delegateFailureAndWrap((delegate, response) -> delegate.onResponse(choose(response))));
    }

    private QueryBuilder documentQuery() {
        if (filter == null) {
            return QueryBuilders.idsQuery().addIds(id);
        }
        QueryBuilder nested = QueryBuilders.nestedQuery(path("faces"), QueryBuilders.existsQuery(path("faces.vector")), ScoreMode.None)
            .ignoreUnmapped(true);
        QueryBuilder hasFace = QueryBuilders.boolQuery().should(nested).should(QueryBuilders.existsQuery(path("vector")));
        return QueryBuilders.boolQuery().must(filter).filter(hasFace);
    }

    private float[] choose(SearchResponse response) {
        SearchHit[] hits = response.getHits().getHits();
        if (hits.length == 0) {
            throw filter == null
                ? new ResourceNotFoundException(
                    "document [{}] not found in [{}]; a document becomes searchable after the next refresh",
                    id,
                    index
                )
                : new ResourceNotFoundException("no document of [{}] matches [filter] and has a face", index);
        }
        if (filter == null && hits.length > 1) {
            throw new IllegalArgumentException(
                "document [" + id + "] is in several indices of [" + index + "], [" + hits[0].getIndex() + "] and [" + hits[1].getIndex()
                    + "]; name one of them"
            );
        }
        Map<String, DocumentField> fields = hits[0].getFields();
        checkModel(hits[0].getId(), fields.get(path("model.id")));
        return choose(hits[0].getId(), readFaces(fields), faceId == null && position == null ? faceNamedByClause(hits[0]) : faceId);
    }

    /** The id of the face that a matching clause of {@code filter} names; null if none does. */
    @Nullable
    private static String faceNamedByClause(SearchHit hit) {
        return Arrays.stream(hit.getMatchedQueries())
            .filter(name -> name.startsWith(FACE_CLAUSE))
            .map(name -> name.substring(FACE_CLAUSE.length()))
            .findFirst()
            .orElse(null);
    }

    private void checkModel(String documentId, @Nullable DocumentField modelId) {
        String actual = modelId == null ? null : modelId.getValue();
        if (model != null && model.equals(actual) == false) {
            throw new IllegalArgumentException(
                "document [" + documentId + "] of [" + index + "] has faces of model [" + actual + "] but [" + model + "] was requested; "
                    + "vectors of different models cannot be compared"
            );
        }
    }

    /** @param wantedId a face's id; null for the face at {@code position}, or for the largest without one */
    private float[] choose(String documentId, List<StoredFace> faces, @Nullable String wantedId) {
        if (faces.isEmpty()) {
            throw new IllegalArgumentException(
                "document [" + documentId + "] of [" + index + "] has no face with a vector, neither in the nested field [" + path("faces")
                    + "] nor in [" + path("vector") + "]"
            );
        }
        if (wantedId == null && position == null) {
            return faces.stream().max(Comparator.comparingDouble(StoredFace::area)).orElseThrow().vector();
        }
        if (position != null && position < faces.size()) {
            return faces.get(position).vector();
        }
        return faces.stream().filter(face -> wantedId != null && wantedId.equals(face.id())).findFirst().orElseThrow(() -> {
            List<String> ids = faces.stream().map(StoredFace::id).toList();
            return new IllegalArgumentException(
                "face [" + (position == null ? wantedId : position) + "] not found in document [" + documentId + "] of [" + index
                    + "]; its faces are " + ids
            );
        }).vector();
    }

    private List<StoredFace> readFaces(Map<String, DocumentField> fields) {
        List<StoredFace> read = new ArrayList<>();
        // Each nested face is one value, an object of fields.
        for (Object value : values(fields, "faces")) {
            if (value instanceof Map<?, ?> face && Vectors.of(DottedPaths.get(face, "vector")) != null) {
                Object faceId = first(DottedPaths.get(face, "id"));
                double area = number(DottedPaths.get(face, "box.width")) * number(DottedPaths.get(face, "box.height"));
                read.add(new StoredFace(Objects.toString(faceId, null), Vectors.of(DottedPaths.get(face, "vector")), area));
            }
        }
        float[] portrait = Vectors.of(values(fields, "vector"));
        if (portrait != null) {
            read.add(new StoredFace(Objects.toString(first(values(fields, "face.id")), null), portrait, 0));
        }
        return read;
    }

    private List<Object> values(Map<String, DocumentField> fields, String field) {
        DocumentField found = fields.get(path(field));
        return found == null ? List.of() : found.getValues();
    }

    private String path(String field) {
        return target == null ? field : target + "." + field;
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
        builder.startObject(filter == null ? "document" : "filter").field("index", index);
        if (filter == null) {
            builder.field("id", id);
        } else {
            builder.field("query", filter);
        }
        if (faceId != null) {
            builder.field("face", faceId);
        } else if (position != null) {
            builder.field("face", position);
        }
        builder.endObject();
        if (target != null) {
            builder.field("target_field", target);
        }
        if (model != null) {
            builder.field("model", model);
        }
        return builder;
    }
}
