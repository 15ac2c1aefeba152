package org.ingestface.search;

import java.util.Collection;
import java.util.List;

import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.cluster.metadata.ProjectMetadata;
import org.elasticsearch.cluster.project.ProjectResolver;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads pipelines and the names of indices from the cluster state of Elasticsearch 9.1 and newer, where they are in a project. */
abstract class VersionedPipelines {

    private final ClusterService clusterService;
    private final ProjectResolver projects;

    VersionedPipelines(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
        this.projects = services.projectResolver();
    }

    private ProjectMetadata metadata() {
        return projects.getProjectMetadata(clusterService.state());
    }

    /** All pipelines. */
    List<PipelineConfiguration> configurations() {
        return IngestService.getPipelines(metadata());
    }

    /** Default and final pipeline of an index, also of one that is yet to be created. */
    IngestService.Pipelines of(IndexRequest write) {
        return IngestService.resolvePipelines(write, write, metadata(), System.currentTimeMillis());
    }

    /** The names of all indices, aliases and data streams. */
    Collection<String> names() {
        return metadata().getIndicesLookup().keySet();
    }
}
