package org.ingestface.search;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.plugins.Plugin;
import org.ingestface.common.VersionedIndices;

/** Says of the stored pipelines which galleries they search and which others they call. */
final class Pipelines extends VersionedIndices {

    /** The processor that searches a gallery, and its option. */
    private static final String FACE = "face";
    private static final String IDENTIFY = "identify";

    Pipelines(Plugin.PluginServices services) {
        super(services);
    }

    /** The configuration of each pipeline, by its name. */
    Map<String, Object> stored() {
        Map<String, Object> stored = new LinkedHashMap<>();
        configurations().forEach(pipeline -> stored.put(pipeline.getId(), pipeline.getConfig()));
        return stored;
    }

    /** The names of all indices, aliases and data streams. */
    Set<String> names() {
        return metadata().getIndicesLookup().keySet();
    }

    Set<String> ofIndex(String index) {
        return ofIndex(index, stored());
    }

    /**
     * The pipelines that an index has of its own, and those that they call by name. A template is no name, and is not followed.
     *
     * @param index as a document's metadata names it; it need not exist
     */
    Set<String> ofIndex(String index, Map<String, Object> configurations) {
        IndexRequest write = new IndexRequest(index);
        IngestService.Pipelines own = IngestService.resolvePipelines(write, write, metadata(), System.currentTimeMillis());
        Set<String> found = withCalled(own.defaultPipeline(), configurations);
        found.addAll(withCalled(own.finalPipeline(), configurations));
        return found;
    }

    /** A pipeline and those that it calls by name. */
    static Set<String> withCalled(String name, Map<String, Object> configurations) {
        Set<String> found = new HashSet<>();
        collect(name, configurations, found);
        return found;
    }

    private static void collect(String name, Map<String, Object> configurations, Set<String> found) {
        if (configurations.containsKey(name) && found.add(name)) {
            called(configurations.get(name)).forEach(other -> collect(other, configurations, found));
        }
    }

    /** The values of {@code identify.index} in a pipeline's configuration. */
    static Set<String> galleries(@Nullable Object configuration) {
        Set<String> found = new TreeSet<>();
        options(configuration, FACE, options -> {
            if (options.get(IDENTIFY) instanceof Map<?, ?> identify && identify.get("index") instanceof String index) {
                found.add(index);
            }
        });
        return found;
    }

    private static Set<String> called(@Nullable Object configuration) {
        Set<String> found = new TreeSet<>();
        options(configuration, "pipeline", options -> {
            if (options.get("name") instanceof String name) {
                found.add(name);
            }
        });
        return found;
    }

    /** Calls back with the options of each processor of a type, however deep it stands in others. */
    private static void options(@Nullable Object configuration, String type, Consumer<Map<?, ?>> found) {
        if (configuration instanceof Map<?, ?> object) {
            if (object.get(type) instanceof Map<?, ?> options) {
                found.accept(options);
            }
            object.values().forEach(value -> options(value, type, found));
        } else if (configuration instanceof List<?> list) {
            list.forEach(value -> options(value, type, found));
        }
    }
}
