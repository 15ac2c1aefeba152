package org.ingestface.document;

import java.util.Map;

import org.elasticsearch.cluster.metadata.ProjectId;
import org.elasticsearch.ingest.Processor;

/** Implements the method by which Elasticsearch 9.1 and newer makes a processor, for a project. */
abstract class VersionedProcessorFactory implements Processor.Factory {

    abstract FaceProcessor create(String tag, String description, Map<String, Object> config);

    @Override
    public final FaceProcessor create(
        Map<String, Processor.Factory> factories,
        String tag,
        String description,
        Map<String, Object> config,
        ProjectId project
    ) {
        return create(tag, description, config);
    }
}
