package org.ingestface.resend;

import java.util.List;

import org.elasticsearch.cluster.metadata.ProjectMetadata;
import org.elasticsearch.cluster.project.ProjectResolver;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads indices and pipelines from the cluster state of Elasticsearch 9.1 and newer, where they are in a project. */
abstract class VersionedIndices {

    private final ClusterService clusterService;
    private final ProjectResolver projects;

    VersionedIndices(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
        this.projects = services.projectResolver();
    }

    ProjectMetadata metadata() {
        return projects.getProjectMetadata(clusterService.state());
    }

    List<PipelineConfiguration> configurations(String pipeline) {
        return IngestService.getPipelines(metadata(), pipeline);
    }
}
