package org.ingestface;

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

/** The calibrations of indices, as the cluster's state has them on this node: no request is sent, and no right is needed. */
final class Calibrations {

    private static final Logger logger = LogManager.getLogger(Calibrations.class);
    /** The line of the word "possible": see ingest_service/verdicts.py. */
    private static final double POSSIBLE = 0.46;
    private static final boolean INCLUDE_DATA_STREAMS = true;
    private static final int MOST_REMEMBERED = 10_000;

    /**
     * What is known of the galleries of one search.
     *
     * @param similarity the least cosine of a match: of several galleries the highest; 0.46 of one that is not calibrated
     * @param possible   the least cosine of a candidate, likewise
     * @param byIndex    the calibrations of those that are, by the index's own name
     */
    record Known(double similarity, double possible, Map<String, Calibration> byIndex) {}

    private final Supplier<ClusterState> state;
    private final IndexNameExpressionResolver names;
    /** By the hash of the mapping, so that a mapping is read once, and anew when it changes. */
    private final Cache<String, Optional<Calibration>> remembered = CacheBuilder.<String, Optional<Calibration>>builder()
        .setMaximumWeight(MOST_REMEMBERED)
        .build();

    Calibrations(Supplier<ClusterState> state, IndexNameExpressionResolver names) {
        this.state = state;
        this.names = names;
    }

    /**
     * @param galleries whatever a search takes: indices, aliases, patterns. Of those of another cluster nothing is known here, and those
     *                  that are not there are the search's to refuse
     * @param modelId   calibrations of other models do not count
     */
    Known of(String[] galleries, String modelId) {
        List<String> here = Arrays.stream(galleries).filter(gallery -> RemoteClusterAware.isRemoteIndexName(gallery) == false).toList();
        Map<String, Calibration> byIndex = new HashMap<>();
        ClusterState now = state.get();
        // No name at all would mean every index.
        Index[] indices = here.isEmpty()
            ? Index.EMPTY_ARRAY
            : names.concreteIndices(now, IndicesOptions.lenientExpandOpen(), INCLUDE_DATA_STREAMS, here.toArray(String[]::new));
        for (Index index : indices) {
            Calibration found = calibration(VersionedMetadata.of(index, now));
            if (found != null && found.model().equals(modelId)) {
                byIndex.put(index.getName(), found);
            }
        }
        boolean allCalibrated = here.size() == galleries.length && indices.length > 0 && byIndex.size() == indices.length;
        double least = allCalibrated ? -1 : POSSIBLE;
        return new Known(
            byIndex.values().stream().mapToDouble(Calibration::similarity).reduce(least, Math::max),
            byIndex.values().stream().mapToDouble(Calibration::possible).reduce(least, Math::max),
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
            return remembered.computeIfAbsent(mapping.getSha256(), unused -> read(index.getIndex().getName(), mapping)).orElse(null);
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
