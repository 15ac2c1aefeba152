package org.ingestface.calibration;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.elasticsearch.action.support.IndicesOptions;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.common.cache.Cache;
import org.elasticsearch.common.cache.CacheBuilder;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.Index;
import org.elasticsearch.transport.RemoteClusterAware;

/** The calibrations of indices, read from this node's copy of the cluster state: it sends no request and needs no privilege. */
public final class Calibrations {

    private static final Logger logger = LogManager.getLogger(Calibrations.class);
    /** The threshold of the verdict "possible" without a calibration, the same as the boards and searches use. */
    private static final double UNCALIBRATED = 0.46;
    private static final boolean INCLUDE_DATA_STREAMS = true;
    private static final int MAX_CACHED = 10_000;

    /**
     * How the hits of one search are to be judged.
     *
     * @param match     least cosine of a match: the highest threshold among the galleries, 0.46 for one that is not calibrated
     * @param candidate least cosine of a candidate, chosen likewise
     * @param byIndex   calibrations of the galleries that have one, by the name of the concrete index
     */
    public record Thresholds(double match, double candidate, Map<String, Calibration> byIndex) {}

    private final Supplier<ClusterState> state;
    private final IndexNameExpressionResolver names;
    /** By the hash of the mapping, so that each mapping is read only once, and again after a change. */
    private final Cache<String, Optional<Calibration>> cache = CacheBuilder.<String, Optional<Calibration>>builder()
        .setMaximumWeight(MAX_CACHED)
        .build();

    public Calibrations(Supplier<ClusterState> state, IndexNameExpressionResolver names) {
        this.state = state;
        this.names = names;
    }

    /**
     * @param galleries indices, aliases or patterns, as in a search. Those of another cluster count as not calibrated; a missing one is
     *                  ignored here, since the search itself reports it
     * @param modelId   calibrations of other models are ignored
     */
    public Thresholds thresholds(String[] galleries, String modelId) {
        List<String> local = Arrays.stream(galleries).filter(gallery -> RemoteClusterAware.isRemoteIndexName(gallery) == false).toList();
        Map<String, Calibration> byIndex = new HashMap<>();
        ClusterState now = state.get();
        // An empty list of names would mean every index.
        Index[] indices = local.isEmpty()
            ? Index.EMPTY_ARRAY
            : names.concreteIndices(now, IndicesOptions.lenientExpandOpen(), INCLUDE_DATA_STREAMS, local.toArray(String[]::new));
        for (Index index : indices) {
            Calibration found = calibration(VersionedMetadata.of(index, now));
            if (found != null && found.model().equals(modelId)) {
                byIndex.put(index.getName(), found);
            }
        }
        boolean allCalibrated = local.size() == galleries.length && indices.length > 0 && byIndex.size() == indices.length;
        double least = allCalibrated ? -1 : UNCALIBRATED;
        return new Thresholds(
            byIndex.values().stream().mapToDouble(Calibration::threshold).reduce(least, Math::max),
            byIndex.values().stream().mapToDouble(Calibration::candidateThreshold).reduce(least, Math::max),
            byIndex
        );
    }

    @Nullable
    private Calibration calibration(IndexMetadata index) {
        MappingMetadata mapping = index.mapping();
        if (mapping == null) {
            return null;
        }
        try {
            return cache.computeIfAbsent(mapping.getSha256(), unused -> read(index.getIndex().getName(), mapping)).orElse(null);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Optional<Calibration> read(String index, MappingMetadata mapping) {
        try {
            return Optional.ofNullable(Calibration.read(mapping.sourceAsMap()));
        } catch (IllegalArgumentException e) {
            logger.warn("the calibration of [" + index + "] is ignored: " + e.getMessage() + "; run [faces calibrate] again");
            return Optional.empty();
        }
    }
}
