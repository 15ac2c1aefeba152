package org.ingestface.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.fieldcaps.FieldCapabilities;
import org.elasticsearch.action.fieldcaps.FieldCapabilitiesRequest;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.action.support.ListenerTimeouts;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.bytes.BytesReference;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.index.query.AbstractQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.calibration.Calibration;
import org.ingestface.calibration.Calibrations;
import org.ingestface.common.Messages;

/** Identifies faces: searches for each among the portraits of a gallery, with the rights that {@link IdentifyRights} gives. */
public final class Gallery {

    /** The field with a portrait's vector. */
    static final String VECTOR = "vector";
    /** A search that takes longer fails, and the client is told to send the document again. */
    private static final TimeValue TIMEOUT = TimeValue.timeValueSeconds(30);

    /**
     * Where and how to search: a pipeline's option {@code identify}.
     *
     * @param index      indices, aliases or patterns, separated by commas, of documents with the {@code vector} of one face
     * @param k          most people for a face
     * @param similarity least cosine of a match and of a candidate, -1 to 1; null for the gallery's calibrated thresholds
     * @param filter     Elasticsearch queries that a portrait must match
     */
    public record Lookup(String index, int k, @Nullable Double similarity, List<Map<String, Object>> filter) {

        String[] indices() {
            return Strings.splitStringByCommaToArray(index);
        }
    }

    /**
     * A person that a face may show.
     *
     * @param galleryId   {@code _id} of the person's portrait that is most similar to the face
     * @param name        {@code person.name} of the portraits; null for a portrait without one
     * @param similarity  to the mean of the portraits' vectors: a cosine, -1 to 1
     * @param probability that it is the person, 0 to 1, assuming even prior odds; null if that portrait's index is not calibrated
     * @param isMatch     whether the similarity reaches the threshold of a match
     * @param tags        {@code tags} of all of the person's portraits
     */
    public record Candidate(
        String galleryId,
        @Nullable String name,
        double similarity,
        @Nullable Double probability,
        boolean isMatch,
        List<String> tags
    ) {}

    private final Client client;
    private final Portraits portraits;
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
        this.portraits = new Portraits(client);
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
                search(lookup, modelId, vectors, portraits, asCaller);
            }
        } else {
            // The caller may not be allowed to see every field of what others have read.
            search(lookup, modelId, vectors, new Portraits(client), listener);
        }
    }

    private void search(
        Lookup lookup,
        String modelId,
        List<float[]> vectors,
        Portraits read,
        ActionListener<List<List<Candidate>>> listener
    ) {
        Calibrations.Thresholds calibrated = thresholds.apply(lookup.indices(), modelId);
        double match = lookup.similarity == null ? calibrated.match() : lookup.similarity;
        double candidate = lookup.similarity == null ? calibrated.candidate() : lookup.similarity;
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
        PeopleSearch people = new PeopleSearch(client, read, this::parse, lookup, modelId, candidate);
        people.find(vectors, inTime.delegateFailureAndWrap((delegate, ofFaces) -> {
            List<List<Candidate>> found = ofFaces.stream()
                .map(ofFace -> ofFace.stream().map(person -> candidate(person, match, calibrated.byIndex())).toList())
                .toList();
            if (found.stream().allMatch(List::isEmpty)) {
                // Either nobody is similar, or the index is no gallery: then a search finds nothing too, without an error.
                requireVectors(lookup, delegate.map(unused -> found));
            } else {
                delegate.onResponse(found);
            }
        }));
    }

    /** @param match least cosine of a match */
    private static Candidate candidate(PeopleSearch.Person person, double match, Map<String, Calibration> calibrations) {
        Calibration calibration = calibrations.get(person.nearest().index());
        Double probability = calibration == null ? null : rounded(calibration.probability(person.similarity()));
        boolean isMatch = person.similarity() >= match;
        return new Candidate(person.nearest().id(), person.name(), person.similarity(), probability, isMatch, person.tags());
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

    /** To the precision of a 32-bit score. */
    static double rounded(double number) {
        return Math.round(number * 1e6) / 1e6;
    }
}
