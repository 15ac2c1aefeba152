package org.ingestface.resend;

import java.util.List;

import org.elasticsearch.action.DocWriteRequest;
import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.cluster.metadata.IndexAbstraction;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.cluster.metadata.ProjectMetadata;
import org.elasticsearch.cluster.project.ProjectResolver;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Finds indices and their pipelines in the cluster state of Elasticsearch 9.1 and newer, where they are in a project. */
final class VersionedIndices {

    private final ClusterService clusterService;
    private final ProjectResolver projects;

    VersionedIndices(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
        this.projects = services.projectResolver();
    }

    /** The index or alias of this name; null if there is none. */
    @Nullable
    IndexAbstraction find(String name) {
        return metadata().getIndicesLookup().get(name);
    }

    /** Default and final pipeline of the index that a request writes to, also of one that is yet to be created. */
    IngestService.Pipelines pipelines(DocWriteRequest<?> request, IndexRequest write) {
        return IngestService.resolvePipelines(request, write, metadata(), System.currentTimeMillis());
    }

    /** The mapping of an index, or of the write index of an alias; null if there is none. */
    @Nullable
    MappingMetadata mapping(String name) {
        IndexAbstraction index = find(name);
        IndexMetadata written = index == null || index.getWriteIndex() == null ? null : metadata().index(index.getWriteIndex());
        return written == null ? null : written.mapping();
    }

    List<PipelineConfiguration> configurations(String pipeline) {
        return IngestService.getPipelines(metadata(), pipeline);
    }

    private ProjectMetadata metadata() {
        return projects.getProjectMetadata(clusterService.state());
    }
}
