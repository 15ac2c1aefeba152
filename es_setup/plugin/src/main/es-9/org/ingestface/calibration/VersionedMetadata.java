package org.ingestface.calibration;

import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.index.Index;

/** Finds the metadata of an index in Elasticsearch 9.1 and newer, where it is in the index's project. */
final class VersionedMetadata {

    private VersionedMetadata() {}

    /** @param index an index of this state */
    static IndexMetadata of(Index index, ClusterState state) {
        return state.metadata().indexMetadata(index);
    }
}
