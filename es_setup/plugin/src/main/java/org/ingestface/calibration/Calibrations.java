package org.ingestface.calibration;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
import org.ingestface.common.DottedPaths;

/** The thresholds of indices, read from this node's copy of the cluster state: it sends no request and needs no privilege. */
public final class Calibrations {

    private static final Logger logger = LogManager.getLogger(Calibrations.class);
    private static final String MODEL = "_meta.ingest_face.model";
    private static final boolean INCLUDE_DATA_STREAMS = true;
    private static final int MAX_CACHED = 10_000;

    /**
     * How the hits of one search are to be judged.
     *
     * @param match     least cosine of a match: the highest threshold among the galleries, that of "possible" for one that is not
     *                  calibrated
     * @param candidate least cosine of a candidate, chosen likewise
     * @param byIndex   calibrations of the galleries that have one, by the name of the concrete index
     */
    public record Thresholds(double match, double candidate, Map<String, Calibration> byIndex) {}

    /**
     * What an index records.
     *
     * @param model        null if it records none
     * @param uncalibrated null if it records none that are valid
     */
    private record Recorded(@Nullable String model, @Nullable Calibration calibration, @Nullable Uncalibrated uncalibrated) {

        private static final Recorded NOTHING = new Recorded(null, null, null);

        /** Whether its thresholds are of another model, whose portraits a search leaves out. */
        boolean isOfAnother(String modelId) {
            return model != null && model.equals(modelId) == false;
        }
    }

    private final Supplier<ClusterState> state;
    private final IndexNameExpressionResolver names;
    /** By the hash of the mapping, so that each mapping is read only once, and again after a change. */
    private final Cache<String, Recorded> cache = CacheBuilder.<String, Recorded>builder().setMaximumWeight(MAX_CACHED).build();

    public Calibrations(Supplier<ClusterState> state, IndexNameExpressionResolver names) {
        this.state = state;
        this.names = names;
    }

    /**
     * @param galleries indices, aliases or patterns, as in a search. Those of another cluster count as without thresholds
     *                  ({@link Uncalibrated#of}); a missing one is ignored here, since the search itself reports it
     * @param modelId   what indices record for other models is ignored
     */
    public Thresholds thresholds(String[] galleries, String modelId) {
        List<String> local = Arrays.stream(galleries).filter(gallery -> RemoteClusterAware.isRemoteIndexName(gallery) == false).toList();
        Map<String, Calibration> byIndex = new HashMap<>();
        ClusterState now = state.get();
        // An empty list of names would mean every index.
        Index[] indices = local.isEmpty()
            ? Index.EMPTY_ARRAY
            : names.concreteIndices(now, IndicesOptions.lenientExpandOpen(), INCLUDE_DATA_STREAMS, local.toArray(String[]::new));
        boolean otherCluster = local.size() < galleries.length;
        double unrecorded = Uncalibrated.of(modelId).possible();
        double least = otherCluster ? unrecorded : -1;
        int known = 0;
        for (Index index : indices) {
            Recorded found = recorded(VersionedMetadata.of(index, now));
            Calibration calibration = found.calibration();
            if (calibration != null && calibration.model().equals(modelId)) {
                byIndex.put(index.getName(), calibration);
                known++;
            } else if (found.isOfAnother(modelId) == false) {
                least = Math.max(least, found.uncalibrated() == null ? unrecorded : found.uncalibrated().possible());
                known++;
            }
        }
        if (known == 0) {
            least = unrecorded;
        }
        return new Thresholds(
            byIndex.values().stream().mapToDouble(Calibration::threshold).reduce(least, Math::max),
            byIndex.values().stream().mapToDouble(Calibration::candidateThreshold).reduce(least, Math::max),
            byIndex
        );
    }

    private Recorded recorded(IndexMetadata index) {
        MappingMetadata mapping = index.mapping();
        if (mapping == null) {
            return Recorded.NOTHING;
        }
        try {
            return cache.computeIfAbsent(mapping.getSha256(), unused -> read(index.getIndex().getName(), mapping));
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Recorded read(String index, MappingMetadata mapping) {
        Map<String, Object> source = mapping.sourceAsMap();
        Calibration calibration = null;
        try {
            calibration = Calibration.read(source);
        } catch (IllegalArgumentException e) {
            logger.warn("the calibration of [" + index + "] is ignored: " + e.getMessage() + "; run [faces calibrate] again");
        }
        Uncalibrated uncalibrated = null;
        try {
            uncalibrated = Uncalibrated.read(source);
        } catch (IllegalArgumentException e) {
            logger.warn("the thresholds of [" + index + "] are ignored: " + e.getMessage() + "; run [faces install]");
        }
        String model = DottedPaths.get(source, MODEL) instanceof String name ? name : null;
        if (model != null && calibration == null && uncalibrated == null && Uncalibrated.of(model) == Uncalibrated.NO_MATCH) {
            logger.warn("[" + index + "] has no thresholds for its model [" + model + "], so nobody in it matches; run [faces install]");
        }
        return new Recorded(model, calibration, uncalibrated);
    }
}
