package org.ingestface.common;

import java.util.List;

import org.elasticsearch.cluster.metadata.ProjectMetadata;
import org.elasticsearch.cluster.project.ProjectResolver;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads indices and pipelines from the cluster state of Elasticsearch 9.1 and newer, where they are in a project. */
public abstract class VersionedIndices {

    private final ClusterService clusterService;
    private final ProjectResolver projects;

    protected VersionedIndices(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
        this.projects = services.projectResolver();
    }

    /** All that stands in this node's copy. */
    protected ProjectMetadata metadata() {
        return projects.getProjectMetadata(clusterService.state());
    }

    /** The pipelines of these names; all if there are none. */
    public List<PipelineConfiguration> configurations(String... pipelines) {
        return IngestService.getPipelines(metadata(), pipelines);
    }
}
