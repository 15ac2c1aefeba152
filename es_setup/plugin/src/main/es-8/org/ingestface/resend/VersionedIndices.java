package org.ingestface.resend;

import java.util.List;

import org.elasticsearch.cluster.metadata.Metadata;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads indices and pipelines from the cluster state of Elasticsearch 8. */
abstract class VersionedIndices {

    private final ClusterService clusterService;

    VersionedIndices(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
    }

    Metadata metadata() {
        return clusterService.state().metadata();
    }

    List<PipelineConfiguration> configurations(String pipeline) {
        return IngestService.getPipelines(clusterService.state(), pipeline);
    }
}
