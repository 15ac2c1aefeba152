package org.ingestface.search;

import java.util.Collection;
import java.util.List;

import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;

/** Reads pipelines and the names of indices from the cluster state of Elasticsearch 8. */
abstract class VersionedPipelines {

    private final ClusterService clusterService;

    VersionedPipelines(Plugin.PluginServices services) {
        this.clusterService = services.clusterService();
    }

    /** All pipelines. */
    List<PipelineConfiguration> configurations() {
        return IngestService.getPipelines(clusterService.state());
    }

    /** Default and final pipeline of an index, also of one that is yet to be created. */
    IngestService.Pipelines of(IndexRequest write) {
        return IngestService.resolvePipelines(write, write, clusterService.state().metadata(), System.currentTimeMillis());
    }

    /** The names of all indices, aliases and data streams. */
    Collection<String> names() {
        return clusterService.state().metadata().getIndicesLookup().keySet();
    }
}
