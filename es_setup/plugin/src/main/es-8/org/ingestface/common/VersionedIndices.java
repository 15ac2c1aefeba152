package org.ingestface.common;

import java.util.List;

import org.elasticsearch.cluster.metadata.Metadata;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads indices and pipelines from the cluster state of Elasticsearch 8. */
public abstract class VersionedIndices {

    private final ClusterService clusterService;

    protected VersionedIndices(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
    }

    /** All that stands in this node's copy. */
    protected Metadata metadata() {
        return clusterService.state().metadata();
    }

    /** The pipelines of these names; all if there are none. */
    public List<PipelineConfiguration> configurations(String... pipelines) {
        return IngestService.getPipelines(clusterService.state(), pipelines);
    }
}
