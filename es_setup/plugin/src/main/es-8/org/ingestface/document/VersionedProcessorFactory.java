package org.ingestface.document;

import java.util.Map;

import org.elasticsearch.ingest.Processor;

/** Implements the method by which Elasticsearch 8 makes a processor. */
abstract class VersionedProcessorFactory implements Processor.Factory {

    abstract FaceProcessor create(String tag, String description, Map<String, Object> config);

    @Override
    public final FaceProcessor create(
        Map<String, Processor.Factory> factories,
        String tag,
        String description,
        Map<String, Object> config
    ) {
        return create(tag, description, config);
    }
}
