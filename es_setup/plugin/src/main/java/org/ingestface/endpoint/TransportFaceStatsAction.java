package org.ingestface.endpoint;

import java.io.IOException;
import java.util.List;

import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionRequestValidationException;
import org.elasticsearch.action.FailedNodeException;
import org.elasticsearch.action.support.ActionFilters;
import org.elasticsearch.action.support.nodes.TransportNodesAction;
import org.elasticsearch.cluster.node.DiscoveryNode;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.injection.guice.Inject;
import org.elasticsearch.tasks.Task;
import org.elasticsearch.transport.TransportService;

/** Collects the {@link FaceStats.NodeStats} of the nodes. */
public final class TransportFaceStatsAction extends TransportNodesAction<
    VersionedNodesRequest,
    FaceStats,
    TransportFaceStatsAction.NodeRequest,
    FaceStats.NodeStats,
    Void> {

    private final FaceClient client;

    /** Called by Elasticsearch's injector, which has the client from the plugin's {@code createComponents}. */
    @Inject
    public TransportFaceStatsAction(ClusterService clusterService, TransportService transport, ActionFilters filters, FaceClient client) {
        super(
            FaceStats.ACTION.name(),
            clusterService,
            transport,
            filters,
            NodeRequest::new,
            clusterService.threadPool().executor("management")
        );
        this.client = client;
    }

    /** Has no parameters. */
    static final class NodeRequest extends ActionRequest {

        NodeRequest() {}

        NodeRequest(StreamInput in) throws IOException {
            super(in);
        }

        @Override
        public ActionRequestValidationException validate() {
            return null;
        }
    }

    @Override
    protected FaceStats newResponse(VersionedNodesRequest request, List<FaceStats.NodeStats> nodes, List<FailedNodeException> failures) {
        return new FaceStats(clusterService.getClusterName(), nodes, failures);
    }

    @Override
    protected NodeRequest newNodeRequest(VersionedNodesRequest request) {
        return new NodeRequest();
    }

    @Override
    protected FaceStats.NodeStats newNodeResponse(StreamInput in, DiscoveryNode node) throws IOException {
        return new FaceStats.NodeStats(in);
    }

    @Override
    protected FaceStats.NodeStats nodeOperation(NodeRequest request, Task task) {
        return new FaceStats.NodeStats(clusterService.localNode(), client.stats());
    }
}
