package org.ingestface;

import java.io.IOException;
import java.util.Collection;
import java.util.List;

import org.apache.lucene.util.SetOnce;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * Answers {@code GET /} and {@code HEAD /} as Elasticsearch does, for servers that lack the module {@code rest-root}: the embedded engine
 * and the node of the tests. A server with the module would not start with this plugin, so the zip for users does not contain it.
 */
public final class RootPlugin extends VersionedPlugin {

    private final SetOnce<ClusterService> cluster = new SetOnce<>();

    @Override
    public Collection<?> createComponents(PluginServices services) {
        cluster.set(services.clusterService());
        return List.of();
    }

    @Override
    List<PluginAction<?, ?>> actions() {
        return List.of();
    }

    @Override
    List<RestHandler> restHandlers() {
        return List.of(new RestRootAction(cluster.get()));
    }

    private static final class RestRootAction extends BaseRestHandler {

        private final ClusterService cluster;

        private RestRootAction(ClusterService cluster) {
            this.cluster = cluster;
        }

        @Override
        public String getName() {
            return "root_action";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            boolean asElasticsearchPrints = request.hasParam("pretty") == false;
            return channel -> {
                XContentBuilder answer = channel.newBuilder();
                if (asElasticsearchPrints) {
                    answer.prettyPrint().lfAtEnd();
                }
                channel.sendResponse(new RestResponse(RestStatus.OK, write(answer)));
            };
        }

        private XContentBuilder write(XContentBuilder answer) throws IOException {
            Build build = Build.current();
            answer.startObject();
            answer.field("name", cluster.getNodeName());
            answer.field("cluster_name", cluster.getClusterName().value());
            answer.field("cluster_uuid", cluster.state().metadata().clusterUUID());
            answer.startObject("version");
            answer.field("number", build.qualifiedVersion());
            answer.field("build_flavor", build.flavor());
            answer.field("build_type", build.type().displayName());
            answer.field("build_hash", build.hash());
            answer.field("build_date", build.date());
            answer.field("build_snapshot", build.isSnapshot());
            answer.field("lucene_version", Version.LATEST.toString());
            answer.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
            answer.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
            answer.endObject();
            answer.field("tagline", "You Know, for Search");
            return answer.endObject();
        }
    }
}
