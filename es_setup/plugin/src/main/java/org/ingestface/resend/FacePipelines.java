package org.ingestface.resend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.elasticsearch.action.DocWriteRequest;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.action.update.UpdateRequest;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.Pipeline;
import org.elasticsearch.ingest.PipelineConfiguration;
import org.elasticsearch.ingest.PipelineProcessor;
import org.elasticsearch.ingest.Processor;
import org.elasticsearch.ingest.WrappingProcessor;
import org.ingestface.document.FaceProcessor;

/** Finds the face processors that a document will pass. */
final class FacePipelines {

    private final Indices indices;
    private final Supplier<IngestService> ingestService;

    FacePipelines(Indices indices, Supplier<IngestService> ingestService) {
        this.indices = indices;
        this.ingestService = ingestService;
    }

    /** For each request of a bulk the face processors of the pipelines that its document passes; none for a delete request. */
    List<List<FaceProcessor>> of(BulkRequest bulk) {
        Map<String, IngestService.Pipelines> ofIndices = new HashMap<>();
        Map<String, List<FaceProcessor>> ofPipelines = new HashMap<>();
        List<List<FaceProcessor>> found = new ArrayList<>(bulk.numberOfActions());
        for (DocWriteRequest<?> request : bulk.requests()) {
            List<FaceProcessor> processors = List.of();
            for (String pipeline : pipelines(request, ofIndices)) {
                List<FaceProcessor> more = ofPipelines.computeIfAbsent(pipeline, this::processors);
                processors = processors.isEmpty() ? more : Stream.concat(processors.stream(), more.stream()).toList();
            }
            found.add(processors);
        }
        return found;
    }

    private List<String> pipelines(DocWriteRequest<?> request, Map<String, IngestService.Pipelines> ofIndices) {
        if (request instanceof IndexRequest index) {
            if (index.isPipelineResolved()) {
                return List.of(index.getPipeline(), index.getFinalPipeline());
            }
            IngestService.Pipelines ofIndex = ofIndices.computeIfAbsent(index.index(), name -> indices.pipelines(index, index));
            return List.of(index.getPipeline() == null ? ofIndex.defaultPipeline() : index.getPipeline(), ofIndex.finalPipeline());
        }
        if (request instanceof UpdateRequest update) {
            // The merged document passes the pipelines of its index, whatever pipeline the bulk names.
            IngestService.Pipelines ofIndex = ofIndices.computeIfAbsent(
                update.index(),
                name -> indices.pipelines(update, new IndexRequest(name))
            );
            return List.of(ofIndex.defaultPipeline(), ofIndex.finalPipeline());
        }
        return List.of();
    }

    private List<FaceProcessor> processors(String pipeline) {
        List<FaceProcessor> found = new ArrayList<>();
        collect(pipeline, new HashSet<>(), found);
        return found;
    }

    private void collect(String name, Set<String> seen, List<FaceProcessor> found) {
        Pipeline pipeline = seen.add(name) ? ingestService.get().getPipeline(name) : null;
        if (pipeline == null) {
            return;
        }
        boolean callsOthers = false;
        for (Processor outer : pipeline.flattenAllProcessors()) {
            Processor processor = outer;
            while (processor instanceof WrappingProcessor wrapping && wrapping.getInnerProcessor() != processor) {
                processor = wrapping.getInnerProcessor();
            }
            if (processor instanceof FaceProcessor face) {
                found.add(face);
            }
            callsOthers |= processor instanceof PipelineProcessor;
        }
        if (callsOthers) {
            for (PipelineConfiguration configuration : indices.configurations(name)) {
                called(configuration.getConfig()).forEach(other -> collect(other, seen, found));
            }
        }
    }

    /**
     * The names of the pipelines that a pipeline calls. The processor {@code pipeline} does not tell them, so its configuration is read.
     * A template is no name of a pipeline, and is not followed.
     */
    static Stream<String> called(@Nullable Object configuration) {
        if (configuration instanceof Map<?, ?> object) {
            boolean calls = object.get(PipelineProcessor.TYPE) instanceof Map<?, ?> options && options.get("name") instanceof String;
            Stream<String> name = calls ? Stream.of((String) ((Map<?, ?>) object.get(PipelineProcessor.TYPE)).get("name")) : Stream.empty();
            return Stream.concat(name, object.values().stream().flatMap(FacePipelines::called));
        }
        return configuration instanceof List<?> list ? list.stream().flatMap(FacePipelines::called) : Stream.empty();
    }
}
