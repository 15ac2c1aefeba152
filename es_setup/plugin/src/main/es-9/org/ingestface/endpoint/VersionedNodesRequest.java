package org.ingestface.endpoint;

import org.elasticsearch.action.support.nodes.BaseNodesRequest;

/** A request to several nodes in Elasticsearch 9. */
final class VersionedNodesRequest extends BaseNodesRequest {

    /** @param nodes ids, names or filters; none for all nodes */
    VersionedNodesRequest(String... nodes) {
        super(nodes);
    }
}
