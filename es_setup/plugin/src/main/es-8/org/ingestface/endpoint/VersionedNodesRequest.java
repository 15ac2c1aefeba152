package org.ingestface.endpoint;

import org.elasticsearch.action.support.nodes.BaseNodesRequest;

/** A request to several nodes in Elasticsearch 8, where its type has itself as a parameter. */
final class VersionedNodesRequest extends BaseNodesRequest<VersionedNodesRequest> {

    /** @param nodes ids, names or filters; none for all nodes */
    VersionedNodesRequest(String... nodes) {
        super(nodes);
    }
}
