package org.ingestface.document;

import java.util.Map;

import org.elasticsearch.cluster.metadata.ProjectId;
import org.elasticsearch.ingest.Processor;

/** Implements the method by which Elasticsearch 9.1 and newer makes a processor, for a project. */
abstract class VersionedProcessorFactory implements Processor.Factory {

    abstract Processor create(String tag, String description, Map<String, Object> config);

    @Override
    public final Processor create(
        Map<String, Processor.Factory> factories,
        String tag,
        String description,
        Map<String, Object> config,
        ProjectId project
    ) {
        return create(tag, description, config);
    }
}
