package org.ingestface;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;

import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.fieldcaps.FieldCapabilities;
import org.elasticsearch.action.fieldcaps.FieldCapabilitiesRequest;
import org.elasticsearch.action.search.MultiSearchRequest;
import org.elasticsearch.action.search.MultiSearchResponse;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchTask;
import org.elasticsearch.action.support.ListenerTimeouts;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.common.document.DocumentField;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.index.query.AbstractQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.index.query.QueryBuilders;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.tasks.TaskId;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.transport.RemoteClusterAware;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;

/**
 * Says whose faces these are: looks each up among the portraits of a gallery. Searches with the rights of whoever it works for.
 */
final class Gallery {

    /** Where a portrait has its vector. */
    private static final String VECTOR = "vector";
    /** A search that takes longer fails, and its document is sent again. */
    static final TimeValue TIMEOUT = TimeValue.timeValueSeconds(30);

    /**
     * Where and how to look, as a pipeline's option {@code identify} says.
     *
     * @param index      an index or alias of documents with one face's {@code vector} at their top
     * @param k          most matches for a face
     * @param similarity least cosine of a match and of a candidate, -1 to 1; null for what the gallery is calibrated to
     * @param filter     Elasticsearch queries that a portrait must match
     */
    record Look(String index, int k, @Nullable Double similarity, List<Map<String, Object>> filter) {

        private String[] indices() {
            return Strings.splitStringByCommaToArray(index);
        }
    }

    /**
     * A portrait that a face resembles: a candidate.
     *
     * @param name        its {@code person.name}; null when it has none
     * @param similarity  cosine
     * @param probability that it is the same person, 0 to 1, as likely as not beforehand; null when its index is not calibrated
     * @param isMatch     similar enough to be called a match, and not only a candidate
     */
    record Match(
        String galleryId,
        @Nullable String name,
        double similarity,
        @Nullable Double probability,
        boolean isMatch,
        List<String> tags
    ) {}

    /** A search whose task shows no vector: tasks may be listed by whoever may {@code monitor} the cluster. */
    private static final class LookUp extends SearchRequest {

        private LookUp(String[] indices) {
            super(indices);
        }

        @Override
        public SearchTask createTask(long id, String type, String action, TaskId parent, Map<String, String> headers) {
            return new SearchTask(id, type, action, () -> "indices" + Arrays.toString(indices()) + ", a face is looked up", parent, headers);
        }
    }

    private final Client client;
    private final NamedXContentRegistry queries;
    private final ThreadPool threadPool;
    private final BiFunction<String[], String, Calibrations.Known> calibrations;

    /** @param calibrations of galleries, for a model's id: see {@link Calibrations#of} */
    Gallery(
        Client client,
        NamedXContentRegistry queries,
        ThreadPool threadPool,
        BiFunction<String[], String, Calibrations.Known> calibrations
    ) {
        this.client = client;
        this.queries = queries;
        this.threadPool = threadPool;
        this.calibrations = calibrations;
    }

    /** @throws IllegalArgumentException when it is not a query */
    void check(Map<String, Object> query) {
        parse(query);
    }

    /**
     * @param modelId only portraits of this model are looked at: vectors of others cannot be compared
     * @param vectors one a face
     * @param found   gets the matches of each face in that order, most similar first; fails as the search does, with status 404 where
     *                there is no such gallery, 403 where the sender may not read it, but with 429 where searching again may help
     */
    void look(Look look, String modelId, List<float[]> vectors, ActionListener<List<List<Match>>> found) {
        if (vectors.isEmpty()) {
            found.onResponse(List.of());
            return;
        }
        Calibrations.Known known = calibrations.apply(look.indices(), modelId);
        double line = look.similarity == null ? known.similarity() : look.similarity;
        double least = look.similarity == null ? known.possible() : look.similarity;
        MultiSearchRequest searches = new MultiSearchRequest();
        for (float[] vector : vectors) {
            SearchSourceBuilder source = new SearchSourceBuilder().query(knn(look, least, modelId, vector)).size(look.k).fetchSource(false);
            source.fetchField("person.name").fetchField("tags").trackTotalHits(false);
            searches.add(new LookUp(look.indices()).source(source).allowPartialSearchResults(false));
        }
        ActionListener<List<List<Match>>> inTime = ListenerTimeouts.wrapWithTimeout(
            threadPool,
            TIMEOUT,
            threadPool.generic(),
            found,
            ignored -> found.onFailure(tryAgain(look, "no answer within [" + TIMEOUT + "]"))
        ).delegateResponse((listener, e) -> {
            // Such as 503 while a node's shards move: of the statuses that mean "later", clients know to retry 429.
            boolean passes = ExceptionsHelper.status(e).getStatus() > RestStatus.INTERNAL_SERVER_ERROR.getStatus();
            listener.onFailure(passes ? tryAgain(look, EndpointFault.shorten(e.getMessage())) : e);
        });
        client.multiSearch(searches, inTime.delegateFailureAndWrap((delegate, response) -> {
            List<List<Match>> matches = matches(response, line == least ? -1 : line, known.byIndex());
            if (matches.stream().allMatch(List::isEmpty)) {
                // Perhaps nobody is known; perhaps it is no gallery, where a search finds nothing either, and no error.
                requireVectors(look, delegate.map(unused -> matches));
            } else {
                delegate.onResponse(matches);
            }
        }));
    }

    /** @param listener fails with status 400 when the index has no vectors, or the pattern no index */
    private void requireVectors(Look look, ActionListener<Void> listener) {
        FieldCapabilitiesRequest vectors = new FieldCapabilitiesRequest().indices(look.indices()).fields(VECTOR);
        client.fieldCaps(vectors, listener.delegateFailureAndWrap((delegate, response) -> {
            Map<String, FieldCapabilities> byType = response.getField(VECTOR);
            if (byType == null || byType.containsKey("dense_vector") == false) {
                throw new IllegalArgumentException(
                    "[" + look.index + "] cannot be searched for faces: it has no field [" + VECTOR + "] of type [dense_vector]; let "
                        + "[identify] name a gallery such as [face-gallery]"
                );
            }
            delegate.onResponse(null);
        }));
    }

    private static EsRejectedExecutionException tryAgain(Look look, String reason) {
        return new EsRejectedExecutionException("gallery [" + look.index + "] cannot be searched: " + reason + "; send the document again");
    }

    private QueryBuilder knn(Look look, double least, String modelId, float[] vector) {
        List<Object> filters = new ArrayList<>(look.filter);
        filters.add(Map.of("term", Map.of("model.id", modelId)));
        return parse(
            Map.of(
                "knn",
                Map.of(
                    "field",
                    VECTOR,
                    "query_vector",
                    vector,
                    "k",
                    look.k,
                    "num_candidates",
                    Math.max(100, 10 * look.k),
                    "similarity",
                    least,
                    "filter",
                    filters
                )
            )
        );
    }

    /** By way of JSON, because Elasticsearch's own constructors of a kNN query differ from version to version. */
    private QueryBuilder parse(Map<String, Object> query) {
        try (XContentBuilder json = JsonXContent.contentBuilder()) {
            json.map(query);
            XContentParserConfiguration withQueries = XContentParserConfiguration.EMPTY.withRegistry(queries);
            byte[] bytes = BytesReference.toBytes(BytesReference.bytes(json));
            try (XContentParser parser = JsonXContent.jsonXContent.createParser(withQueries, bytes)) {
                return AbstractQueryBuilder.parseTopLevelQuery(parser);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<List<Match>> matches(MultiSearchResponse response, double line, Map<String, Calibration> calibrations)
        throws Exception {
        List<List<Match>> matches = new ArrayList<>();
        for (MultiSearchResponse.Item item : response.getResponses()) {
            if (item.isFailure()) {
                throw item.getFailure();
            }
            List<Match> ofFace = new ArrayList<>();
            for (SearchHit hit : item.getResponse().getHits().getHits()) {
                // Elasticsearch's score of a cosine is (1 + cosine) / 2.
                double similarity = rounded(2 * (double) hit.getScore() - 1);
                // With its cluster's name, or an index there could be taken for the one here that is called so.
                String index = RemoteClusterAware.buildRemoteIndexName(hit.getClusterAlias(), hit.getIndex());
                Calibration calibration = calibrations.get(index);
                Double probability = calibration == null ? null : rounded(calibration.probability(similarity));
                ofFace.add(new Match(hit.getId(), name(hit), similarity, probability, similarity >= line, tags(hit)));
            }
            matches.add(ofFace);
        }
        return matches;
    }

    /** To what a score's 32 bits are good for. */
    private static double rounded(double number) {
        return Math.round(number * 1e6) / 1e6;
    }

    @Nullable
    private static String name(SearchHit hit) {
        DocumentField name = hit.field("person.name");
        // Without a value where the mapping ignores it, as one beyond ignore_above.
        return name == null ? null : Objects.toString(name.getValue(), null);
    }

    private static List<String> tags(SearchHit hit) {
        DocumentField tags = hit.field("tags");
        return tags == null ? List.of() : tags.getValues().stream().map(Object::toString).toList();
    }
}
