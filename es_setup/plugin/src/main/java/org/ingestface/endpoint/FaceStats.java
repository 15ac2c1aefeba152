package org.ingestface.endpoint;

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

/** The answer to {@code GET _face/stats}: the counts of each node for each endpoint. */
public final class FaceStats extends BaseNodesResponse<FaceStats.NodeStats> implements ToXContentFragment {

    /** Named so that the cluster privilege {@code monitor} covers it. */
    public static final ActionType<FaceStats> ACTION = new ActionType<>("cluster:monitor/face/stats");

    FaceStats(ClusterName clusterName, List<NodeStats> nodes, List<FailedNodeException> failures) {
        super(clusterName, nodes, failures);
    }

    @Override
    protected List<NodeStats> readNodesFrom(StreamInput in) throws IOException {
        return in.readCollectionAsList(NodeStats::new);
    }

    @Override
    protected void writeNodesTo(StreamOutput out, List<NodeStats> nodes) throws IOException {
        out.writeCollection(nodes);
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        builder.startObject("nodes");
        for (Iterator<NodeStats> nodes = getNodes().iterator(); nodes.hasNext();) {
            nodes.next().toXContent(builder, params);
        }
        return builder.endObject();
    }

    /** The endpoints of one node by name. */
    static final class NodeStats extends BaseNodeResponse implements ToXContentFragment {

        private final Map<String, EndpointStats> endpoints;

        NodeStats(DiscoveryNode node, Map<String, EndpointStats> endpoints) {
            super(node);
            this.endpoints = endpoints;
        }

        NodeStats(StreamInput in) throws IOException {
            super(in);
            endpoints = new TreeMap<>(in.readMap(EndpointStats::read));
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
                // A hint, because users look here first when nothing works yet.
                String hint = "no endpoint is configured on this node: set [face.endpoint.<name>.urls], such as "
                    + "[face.endpoint.default.urls], in elasticsearch.yml or by PUT _cluster/settings";
                return builder.field("message", hint).endObject();
            }
            for (Map.Entry<String, EndpointStats> endpoint : endpoints.entrySet()) {
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
     * @param missing   says what to set, if this endpoint was requested but is not configured; else null
     * @param documents null if the endpoint is not configured
     * @param searches  null if the endpoint is not configured
     */
    record EndpointStats(@Nullable String missing, @Nullable QueueStats.Snapshot documents, @Nullable QueueStats.Snapshot searches,
        List<Addresses.State> addresses) implements Writeable, ToXContentFragment {

        static EndpointStats missing(String message) {
            return new EndpointStats(message, null, null, List.of());
        }

        static EndpointStats read(StreamInput in) throws IOException {
            return new EndpointStats(
                in.readOptionalString(),
                in.readOptionalWriteable(QueueStats.Snapshot::read),
                in.readOptionalWriteable(QueueStats.Snapshot::read),
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
