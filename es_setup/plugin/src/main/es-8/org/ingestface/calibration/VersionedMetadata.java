package org.ingestface.calibration;

import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.index.Index;

/** Where Elasticsearch 8 keeps what a cluster knows of an index. */
final class VersionedMetadata {

    private VersionedMetadata() {}

    /** @param index one of this state's */
    static IndexMetadata of(Index index, ClusterState state) {
        return state.metadata().getIndexSafe(index);
    }
}
