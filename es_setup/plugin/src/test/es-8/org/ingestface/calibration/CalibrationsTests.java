package org.ingestface.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.cluster.ClusterName;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.metadata.DataStream;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.cluster.metadata.Metadata;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.index.IndexVersion;
import org.elasticsearch.indices.SystemIndices;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Cases that the tests on a server cannot show: it has no data streams, and accepts no document before it has a cluster state. */
class CalibrationsTests {

    private static final String MODEL = "facenet-m";
    private static final String BACKING = ".ds-portraits-2026.11.25-000001";

    /** Index settings need Elasticsearch's own logger. */
    @BeforeAll
    static void startLogging() {
        LogConfigurator.configureESLogging();
    }

    private static Calibrations.Thresholds thresholds(ClusterState state, String gallery) {
        ThreadContext context = new ThreadContext(Settings.EMPTY);
        IndexNameExpressionResolver names = new IndexNameExpressionResolver(context, new SystemIndices(List.of()));
        return new Calibrations(() -> state, names).thresholds(new String[] { gallery }, MODEL);
    }

    /** Has the data stream {@code portraits}, whose only index is calibrated. */
    private static ClusterState state() {
        Map<String, Object> calibration = new HashMap<>(Map.of("model", MODEL, "similarity", 0.7));
        calibration.put("logistic", Map.of("slope", 20, "offset", -10));
        calibration.putAll(Map.of("fpir", 0.01, "gallery_size", 9, "fnir", 0.1, "made", "2026-11-25"));
        calibration.put("data", Map.of("people", 9, "photos", 18));
        Map<String, Object> mapping = Map.of("_meta", Map.of("ingest_face", Map.of("calibration", calibration)));
        IndexMetadata index = IndexMetadata.builder(BACKING)
            .settings(
                Settings.builder()
                    .put(IndexMetadata.SETTING_VERSION_CREATED, IndexVersion.current())
                    .put(IndexMetadata.SETTING_INDEX_UUID, "uuid")
                    .put(IndexMetadata.SETTING_INDEX_HIDDEN, true)
            )
            .numberOfShards(1)
            .numberOfReplicas(0)
            .putMapping(new MappingMetadata("_doc", mapping))
            .build();
        DataStream stream = DataStream.builder("portraits", List.of(index.getIndex())).setGeneration(1).build();
        return ClusterState.builder(new ClusterName("test")).metadata(Metadata.builder().put(index, false).put(stream).build()).build();
    }

    @Test
    void aDataStreamHasTheThresholdsOfItsIndices() {
        Calibrations.Thresholds expected = new Calibrations.Thresholds(0.7, 0.5, Map.of(BACKING, new Calibration(MODEL, 0.7, 20, -10)));
        assertEquals(expected, thresholds(state(), "portraits"));
        assertEquals(expected, thresholds(state(), "port*"));
    }

    @Test
    void withoutTheGalleryOrTheStateTheThresholdIsTheUncalibratedOne() {
        Calibrations.Thresholds uncalibrated = new Calibrations.Thresholds(0.46, 0.46, Map.of());
        for (String gallery : List.of("other", "other*", "<other-{now/d}>", "cluster:portraits")) {
            assertEquals(uncalibrated, thresholds(state(), gallery));
        }
        assertEquals(uncalibrated, thresholds(ClusterState.EMPTY_STATE, "portraits"));
    }
}
