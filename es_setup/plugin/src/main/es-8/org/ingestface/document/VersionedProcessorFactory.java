package org.ingestface.document;

import java.util.Map;

import org.elasticsearch.ingest.Processor;

/** Implements the method by which Elasticsearch 8 makes a processor. */
abstract class VersionedProcessorFactory implements Processor.Factory {

    abstract Processor create(String tag, String description, Map<String, Object> config);

    @Override
    public final Processor create(
        Map<String, Processor.Factory> factories,
        String tag,
        String description,
        Map<String, Object> config
    ) {
        return create(tag, description, config);
    }
}
