package org.ingestface.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Supplier;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.fieldcaps.FieldCapabilities;
import org.elasticsearch.action.fieldcaps.FieldCapabilitiesRequest;
import org.elasticsearch.action.search.MultiSearchRequest;
import org.elasticsearch.action.search.MultiSearchResponse;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchTask;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.action.support.ListenerTimeouts;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.common.document.DocumentField;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.index.query.AbstractQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.ingest.IngestDocument;
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
import org.ingestface.calibration.Calibration;
import org.ingestface.calibration.Calibrations;
import org.ingestface.common.Messages;
import org.ingestface.common.Names;

/** Identifies faces: searches for each among the portraits of a gallery, with the rights that {@link IdentifyRights} gives. */
public final class Gallery {

    /** The field with a portrait's vector. */
    private static final String VECTOR = "vector";
    /** A search that takes longer fails, and the client is told to send the document again. */
    private static final TimeValue TIMEOUT = TimeValue.timeValueSeconds(30);

    /**
     * Where and how to search: a pipeline's option {@code identify}.
     *
     * @param index      indices, aliases or patterns, separated by commas, of documents with the {@code vector} of one face
     * @param k          most candidates for a face
     * @param similarity least cosine of a match and of a candidate, -1 to 1; null for the gallery's calibrated thresholds
     * @param filter     Elasticsearch queries that a portrait must match
     */
    public record Lookup(String index, int k, @Nullable Double similarity, List<Map<String, Object>> filter) {

        private String[] indices() {
            return Strings.splitStringByCommaToArray(index);
        }
    }

    /**
     * A portrait that may show the same person as a face.
     *
     * @param galleryId   {@code _id} of the portrait
     * @param name        {@code person.name} of the portrait; null if it has none
     * @param similarity  cosine, -1 to 1
     * @param probability that it is the same person, 0 to 1, assuming even prior odds; null if the portrait's index is not calibrated
     * @param isMatch     whether the similarity reaches the threshold of a match
     * @param tags        {@code tags} of the portrait
     */
    public record Candidate(
        String galleryId,
        @Nullable String name,
        double similarity,
        @Nullable Double probability,
        boolean isMatch,
        List<String> tags
    ) {}

    /** A search whose task does not show the vector, because any user with the privilege {@code monitor} can list tasks. */
    private static final class FaceSearchRequest extends SearchRequest {

        private FaceSearchRequest(String[] indices) {
            super(indices);
        }

        @Override
        public SearchTask createTask(long id, String type, String action, TaskId parent, Map<String, String> headers) {
            Supplier<String> description = () -> "indices" + Arrays.toString(indices()) + ", a face is looked up";
            return new SearchTask(id, type, action, description, parent, headers);
        }
    }

    private final Client client;
    private final NamedXContentRegistry queries;
    private final ThreadPool threadPool;
    private final IdentifyRights rights;
    private final BiFunction<String[], String, Calibrations.Thresholds> thresholds;

    /** @param thresholds of galleries, for a model's id: see {@link Calibrations#thresholds} */
    public Gallery(
        Client client,
        NamedXContentRegistry queries,
        ThreadPool threadPool,
        IdentifyRights rights,
        BiFunction<String[], String, Calibrations.Thresholds> thresholds
    ) {
        this.client = client;
        this.queries = queries;
        this.threadPool = threadPool;
        this.rights = rights;
        this.thresholds = thresholds;
    }

    /** @throws IllegalArgumentException if it is not a query */
    public void checkQuery(Map<String, Object> query) {
        parse(query);
    }

    /**
     * @param document that the result is written into
     * @param modelId  only portraits of this model are searched, because vectors of different models cannot be compared
     * @param vectors  one for each face
     * @param listener gets the candidates of each face in that order, most similar first. Fails as the search does, such as with status
     *                 404 for a missing gallery, but with 429 where a retry may help
     * @throws ElasticsearchSecurityException if the node's settings do not allow it
     */
    @SuppressWarnings("try") // the stashed context is there to be closed, not to be used
    public void find(
        Lookup lookup,
        IngestDocument document,
        String modelId,
        List<float[]> vectors,
        ActionListener<List<List<Candidate>>> listener
    ) {
        boolean asPlugin = rights.arePlugins(lookup, document);
        if (asPlugin) {
            lookup.filter.forEach(query -> rights.requireOwnIndex(parse(query)));
        }
        if (vectors.isEmpty()) {
            listener.onResponse(List.of());
        } else if (asPlugin) {
            ThreadContext context = threadPool.getThreadContext();
            ActionListener<List<List<Candidate>>> asCaller = ContextPreservingActionListener.wrapPreservingContext(listener, context);
            try (var stashed = context.stashContext()) {
                context.markAsSystemContext();
                search(lookup, modelId, vectors, asCaller);
            }
        } else {
            search(lookup, modelId, vectors, listener);
        }
    }

    private void search(Lookup lookup, String modelId, List<float[]> vectors, ActionListener<List<List<Candidate>>> listener) {
        Calibrations.Thresholds calibrated = thresholds.apply(lookup.indices(), modelId);
        double match = lookup.similarity == null ? calibrated.match() : lookup.similarity;
        double candidate = lookup.similarity == null ? calibrated.candidate() : lookup.similarity;
        MultiSearchRequest searches = new MultiSearchRequest();
        for (float[] vector : vectors) {
            SearchSourceBuilder source = new SearchSourceBuilder().query(knn(lookup, candidate, modelId, vector))
                .size(lookup.k)
                .fetchSource(false)
                .fetchField("person.name")
                .fetchField("tags")
                .trackTotalHits(false);
            searches.add(new FaceSearchRequest(lookup.indices()).source(source).allowPartialSearchResults(false));
        }
        ActionListener<List<List<Candidate>>> inTime = ListenerTimeouts.wrapWithTimeout(
            threadPool,
            TIMEOUT,
            threadPool.generic(),
            listener,
            ignored -> listener.onFailure(retryLater(lookup, "no answer within [" + TIMEOUT + "]"))
        ).delegateResponse((delegate, e) -> {
            // Such as 503 while shards move. It becomes 429, which most clients can be told to retry.
            boolean isTemporary = ExceptionsHelper.status(e).getStatus() > RestStatus.INTERNAL_SERVER_ERROR.getStatus();
            delegate.onFailure(isTemporary ? retryLater(lookup, Messages.shorten(e.getMessage())) : e);
        });
        client.multiSearch(searches, inTime.delegateFailureAndWrap((delegate, response) -> {
            // If both thresholds are equal, every hit is a match: its rounded similarity must not decide again.
            List<List<Candidate>> found = candidates(response, match == candidate ? -1 : match, calibrated.byIndex());
            if (found.stream().allMatch(List::isEmpty)) {
                // Either nobody is similar, or the index is no gallery: then a search finds nothing too, without an error.
                requireVectors(lookup, delegate.map(unused -> found));
            } else {
                delegate.onResponse(found);
            }
        }));
    }

    /** @param listener fails with status 400 if the index has no vectors or the pattern matches no index */
    private void requireVectors(Lookup lookup, ActionListener<Void> listener) {
        FieldCapabilitiesRequest vectors = new FieldCapabilitiesRequest().indices(lookup.indices()).fields(VECTOR);
        client.fieldCaps(vectors, listener.delegateFailureAndWrap((delegate, response) -> {
            Map<String, FieldCapabilities> byType = response.getField(VECTOR);
            if (byType == null || byType.containsKey("dense_vector") == false) {
                throw new IllegalArgumentException(
                    "[" + lookup.index + "] cannot be searched for faces: it has no field [" + VECTOR + "] of type [dense_vector]; let "
                        + "[identify] name a gallery such as [face-gallery]"
                );
            }
            delegate.onResponse(null);
        }));
    }

    private static EsRejectedExecutionException retryLater(Lookup lookup, String reason) {
        String message = "gallery [" + lookup.index + "] cannot be searched: " + reason + "; send the document again";
        return new EsRejectedExecutionException(message);
    }

    private QueryBuilder knn(Lookup lookup, double similarity, String modelId, float[] vector) {
        List<Object> filters = new ArrayList<>(lookup.filter);
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
                    lookup.k,
                    "num_candidates",
                    Math.max(100, 10 * lookup.k),
                    "similarity",
                    similarity,
                    "filter",
                    filters
                )
            )
        );
    }

    /** From JSON, because the constructors of a kNN query differ between versions of Elasticsearch. */
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

    /** @param match least cosine of a match */
    private static List<List<Candidate>> candidates(
        MultiSearchResponse response,
        double match,
        Map<String, Calibration> calibrations
    ) throws Exception {
        List<List<Candidate>> candidates = new ArrayList<>();
        for (MultiSearchResponse.Item item : response.getResponses()) {
            if (item.isFailure()) {
                throw item.getFailure();
            }
            List<Candidate> ofFace = new ArrayList<>();
            for (SearchHit hit : item.getResponse().getHits().getHits()) {
                // Elasticsearch's score of a cosine is (1 + cosine) / 2.
                double similarity = rounded(2 * (double) hit.getScore() - 1);
                // With the cluster's name, so that a remote index is not taken for the local one of the same name.
                String index = RemoteClusterAware.buildRemoteIndexName(hit.getClusterAlias(), hit.getIndex());
                Calibration calibration = calibrations.get(index);
                Double probability = calibration == null ? null : rounded(calibration.probability(similarity));
                ofFace.add(new Candidate(hit.getId(), name(hit), similarity, probability, similarity >= match, tags(hit)));
            }
            candidates.add(ofFace);
        }
        return candidates;
    }

    /** To the precision of a 32-bit score. */
    private static double rounded(double number) {
        return Math.round(number * 1e6) / 1e6;
    }

    @Nullable
    private static String name(SearchHit hit) {
        DocumentField name = hit.field("person.name");
        // It has no value if the mapping ignores it, as one longer than ignore_above.
        return name == null ? null : Names.all(name.getValues()).stream().findFirst().orElse(null);
    }

    private static List<String> tags(SearchHit hit) {
        DocumentField tags = hit.field("tags");
        return tags == null ? List.of() : tags.getValues().stream().map(Object::toString).toList();
    }
}
