package org.ingestface.endpoint;

import java.util.List;

import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.common.Strings;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.action.RestActions;

/** {@code GET _face/stats} and {@code GET _face/{node_id}/stats}. */
public final class RestFaceStatsAction extends BaseRestHandler {

    @Override
    public String getName() {
        return "face_stats_action";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/_face/stats"), new Route(RestRequest.Method.GET, "/_face/{node_id}/stats"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        VersionedNodesRequest nodesRequest = new VersionedNodesRequest(Strings.splitStringByCommaToArray(request.param("node_id", "")));
        return channel -> client.execute(FaceStats.ACTION, nodesRequest, new RestActions.NodesResponseRestListener<>(channel));
    }
}
