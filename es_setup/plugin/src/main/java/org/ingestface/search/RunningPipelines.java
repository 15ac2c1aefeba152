package org.ingestface.search;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.CompoundProcessor;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.ingest.Pipeline;

/**
 * Says which pipelines a document is in. Elasticsearch keeps the list to itself, but refuses to run a pipeline that is on it, and more
 * than {@link IngestDocument#MAX_PIPELINES} within each other: so it is asked to run ones that do nothing.
 */
final class RunningPipelines {

    private final IngestDocument document;

    /** @param document whose processor runs now */
    RunningPipelines(IngestDocument document) {
        this.document = document;
    }

    /** Whether one pipeline alone runs, which no other called. */
    boolean isOne() {
        return count() == 1;
    }

    /** Whether all of them, callers and called, are among these. */
    boolean areAmong(Set<String> names) {
        return names.stream().filter(this::contain).count() == count();
    }

    private int count() {
        int[] free = { 0 };
        nest(free);
        return IngestDocument.MAX_PIPELINES - free[0];
    }

    private void nest(int[] depth) {
        // No pipeline can have this name, as it has a comma.
        run("face," + depth[0], (document, handler) -> {
            depth[0]++;
            nest(depth);
            handler.accept(document, null);
        });
    }

    private boolean contain(String name) {
        boolean[] ran = { false };
        run(name, (document, handler) -> {
            ran[0] = true;
            handler.accept(document, null);
        });
        return ran[0] == false;
    }

    private void run(String name, BiConsumer<IngestDocument, BiConsumer<IngestDocument, Exception>> work) {
        Pipeline pipeline = new Pipeline(name, null, null, Map.of(), new CompoundProcessor(false, List.of(new Probe(work)), List.of()));
        document.executePipeline(pipeline, (result, refusal) -> {});
    }

    private static final class Probe extends AbstractProcessor {

        private final BiConsumer<IngestDocument, BiConsumer<IngestDocument, Exception>> work;

        private Probe(BiConsumer<IngestDocument, BiConsumer<IngestDocument, Exception>> work) {
            super(null, null);
            this.work = work;
        }

        @Override
        public String getType() {
            return "face_probe";
        }

        @Override
        public boolean isAsync() {
            return true;
        }

        @Override
        public void execute(IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
            work.accept(document, handler);
        }
    }
}
