package org.ingestface;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.elasticsearch.action.ActionType;
import org.elasticsearch.action.FailedNodeException;
import org.elasticsearch.action.support.nodes.BaseNodeResponse;
import org.elasticsearch.action.support.nodes.BaseNodesResponse;
import org.elasticsearch.cluster.ClusterName;
import org.elasticsearch.cluster.node.DiscoveryNode;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;

/** The answer to {@code GET _face/stats}: what each node counted for each endpoint. */
final class FaceStats extends BaseNodesResponse<FaceStats.OfNode> implements ToXContentFragment {

    /** Named so that the cluster privilege {@code monitor} covers it. */
    static final ActionType<FaceStats> ACTION = new ActionType<>("cluster:monitor/face/stats");

    FaceStats(ClusterName clusterName, List<OfNode> nodes, List<FailedNodeException> failures) {
        super(clusterName, nodes, failures);
    }

    @Override
    protected List<OfNode> readNodesFrom(StreamInput in) throws IOException {
        return in.readCollectionAsList(OfNode::new);
    }

    @Override
    protected void writeNodesTo(StreamOutput out, List<OfNode> nodes) throws IOException {
        out.writeCollection(nodes);
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        builder.startObject("nodes");
        for (Iterator<OfNode> nodes = getNodes().iterator(); nodes.hasNext();) {
            nodes.next().toXContent(builder, params);
        }
        return builder.endObject();
    }

    /** One node's endpoints by name. */
    static final class OfNode extends BaseNodeResponse implements ToXContentFragment {

        private final Map<String, OfEndpoint> endpoints;

        OfNode(DiscoveryNode node, Map<String, OfEndpoint> endpoints) {
            super(node);
            this.endpoints = endpoints;
        }

        OfNode(StreamInput in) throws IOException {
            super(in);
            endpoints = new TreeMap<>(in.readMap(OfEndpoint::read));
        }

        @Override
        public void writeTo(StreamOutput out) throws IOException {
            super.writeTo(out);
            out.writeMap(endpoints, StreamOutput::writeWriteable);
        }

        @Override
        public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
            builder.startObject(getNode().getId()).field("name", getNode().getName()).startObject("endpoints");
            if (endpoints.isEmpty()) {
                builder.endObject();
                // Where one looks first when nothing works yet.
                String hint = "no endpoint is configured on this node: set [face.endpoint.<name>.urls], such as [face.endpoint.default.urls], "
                    + "in elasticsearch.yml or by PUT _cluster/settings";
                return builder.field("message", hint).endObject();
            }
            for (Map.Entry<String, OfEndpoint> endpoint : endpoints.entrySet()) {
                builder.startObject(endpoint.getKey());
                endpoint.getValue().toXContent(builder, params);
                builder.endObject();
            }
            return builder.endObject().endObject();
        }
    }

    /**
     * One endpoint of one node.
     *
     * @param missing   what to set, when somebody asked for this endpoint and it is not configured; null for one that is
     * @param documents null for a missing one, as {@code searches}
     */
    record OfEndpoint(@Nullable String missing, @Nullable EndpointStats.Snapshot documents, @Nullable EndpointStats.Snapshot searches,
        List<Addresses.State> addresses) implements Writeable, ToXContentFragment {

        static OfEndpoint missing(String message) {
            return new OfEndpoint(message, null, null, List.of());
        }

        static OfEndpoint read(StreamInput in) throws IOException {
            return new OfEndpoint(
                in.readOptionalString(),
                in.readOptionalWriteable(EndpointStats.Snapshot::read),
                in.readOptionalWriteable(EndpointStats.Snapshot::read),
                in.readCollectionAsList(Addresses.State::read)
            );
        }

        @Override
        public void writeTo(StreamOutput out) throws IOException {
            out.writeOptionalString(missing);
            out.writeOptionalWriteable(documents);
            out.writeOptionalWriteable(searches);
            out.writeCollection(addresses);
        }

        @Override
        public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
            builder.field("configured", missing == null);
            if (documents == null || searches == null) {
                return builder.field("message", missing);
            }
            builder.startArray("urls");
            for (Addresses.State address : addresses) {
                address.toXContent(builder, params);
            }
            builder.endArray();
            documents.toXContent(builder, params);
            builder.startObject("searches");
            searches.toXContent(builder, params);
            return builder.endObject();
        }
    }
}
