package org.ingestface.resend;

import org.elasticsearch.action.DocWriteRequest;
import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.cluster.metadata.IndexAbstraction;
import org.elasticsearch.cluster.metadata.IndexMetadata;
import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.plugins.Plugin;
import org.ingestface.common.VersionedIndices;

/** Finds indices and their pipelines in this node's copy of the cluster state. */
final class Indices extends VersionedIndices {

    Indices(Plugin.PluginServices services) {
        super(services);
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
}
