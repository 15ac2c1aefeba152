package org.ingestface.search;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.bulk.TransportBulkAction;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.index.VersionType;
import org.elasticsearch.index.query.AbstractQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.CompoundProcessor;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.ingest.Pipeline;
import org.elasticsearch.ingest.Processor;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.search.SearchModule;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the plugin's rights may be used for. The tests on a node with security show whose rights are used. */
class IdentifyRightsTests {

    private static final ThreadContext CONTEXT = new ThreadContext(Settings.EMPTY);

    private static IdentifyRights rights(String... galleries) {
        Settings.Builder settings = Settings.builder();
        if (galleries.length > 0) {
            settings.putList("face.identify.galleries", galleries);
        }
        return new IdentifyRights(settings.build(), CONTEXT, null);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "face-gallery",
            "face-gallery-2",
            "face-gallery-*",
            "face-gallery-2*",
            "face-gallery,face-gallery-*",
            "<face-gallery-{now/d}>" }
    )
    void aPatternIsAllowedIfAllThatItMatchesIs(String index) {
        assertDoesNotThrow(() -> rights().requireGallery(index));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "*",
            "_all",
            "face-*",
            "face-gallery*",
            "faces",
            ",",
            "",
            "face-gallery,faces",
            "face-gallery, face-gallery-2",
            "face-gallery,-face-gallery-2",
            "other:face-gallery",
            "*:face-gallery-2",
            ".security",
            "<faces-{now/d}>",
            "Face-gallery" }
    )
    void nothingElseIs(String index) {
        ElasticsearchSecurityException refused = assertThrows(
            ElasticsearchSecurityException.class,
            () -> rights().requireGallery(index)
        );
        assertEquals(RestStatus.FORBIDDEN, refused.status());
    }

    @ParameterizedTest
    @CsvSource({ "*, other:face-gallery, false", "*, faces, true", "other:*, other:g, true", "other:*, third:g, false" })
    void aRemoteClusterNeedsToBeNamed(String pattern, String index, boolean expected) {
        if (expected) {
            assertDoesNotThrow(() -> rights(pattern).requireGallery(index));
        } else {
            assertThrows(ElasticsearchSecurityException.class, () -> rights(pattern).requireGallery(index));
        }
    }

    @ParameterizedTest
    @CsvSource({ "face-probes, true", "face-probes-000001, true", "face-probesx, false", "faces, false", "<face-probes-{now/d}>, true" })
    void namesAreWrittenOnlyIntoProbes(String index, boolean expected) {
        assertEquals(expected, rights().isProbes(index));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "{\"term\": {\"tags\": \"watch\"}}",
            "{\"terms\": {\"tags\": [\"watch\", \"staff\"]}}",
            "{\"bool\": {\"must_not\": {\"exists\": {\"field\": \"a\"}}, \"filter\": [{\"range\": {\"b\": {\"gte\": 1}}}]}}",
            "{\"nested\": {\"path\": \"a\", \"query\": {\"match_all\": {}}}}" }
    )
    void aFilterMayLookAtTheGallery(String query) throws IOException {
        assertDoesNotThrow(() -> rights().requireOwnIndex(parse(query)));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "{\"terms\": {\"tags\": {\"index\": \"secret\", \"id\": \"1\", \"path\": \"a\"}}}",
            "{\"bool\": {\"should\": [{\"terms\": {\"t\": {\"index\": \"secret\", \"id\": \"1\", \"path\": \"a\"}}}]}}",
            "{\"dis_max\": {\"queries\": [{\"wrapper\": {\"query\": \"e30=\"}}]}}",
            "{\"constant_score\": {\"filter\": {\"more_like_this\": {\"like\": [{\"_index\": \"secret\", \"_id\": \"1\"}]}}}}",
            "{\"nested\": {\"path\": \"a\", \"query\": {\"knn\": {\"field\": \"vector\", \"query_vector\": [1]}}}}" }
    )
    void aFilterMayNotLookElsewhere(String query) throws IOException {
        QueryBuilder parsed = parse(query);
        assertThrows(ElasticsearchSecurityException.class, () -> rights().requireOwnIndex(parsed));
    }

    private static QueryBuilder parse(String query) throws IOException {
        NamedXContentRegistry queries = new NamedXContentRegistry(new SearchModule(Settings.EMPTY, List.of()).getNamedXContents());
        XContentParserConfiguration withQueries = XContentParserConfiguration.EMPTY.withRegistry(queries);
        try (XContentParser parser = JsonXContent.jsonXContent.createParser(withQueries, query)) {
            return AbstractQueryBuilder.parseTopLevelQuery(parser);
        }
    }

    private static final class Step extends AbstractProcessor {

        private final Runnable work;

        private Step(Runnable work) {
            super(null, null);
            this.work = work;
        }

        @Override
        public String getType() {
            return "step";
        }

        @Override
        public IngestDocument execute(IngestDocument document) {
            work.run();
            return document;
        }
    }

    private static void run(IngestDocument document, String pipeline, Runnable work) {
        Processor step = new Step(work);
        document.executePipeline(new Pipeline(pipeline, null, null, Map.of(), new CompoundProcessor(step)), (result, failure) -> {
            assertEquals(null, failure);
        });
    }

    @Test
    void theRunningPipelinesAreKnownAndTheDocumentGoesOnUntouched() {
        IngestDocument document = new IngestDocument("face-probes", "1", 1, null, VersionType.INTERNAL, new HashMap<>());
        RunningPipelines running = new RunningPipelines(document);
        List<Boolean> found = new ArrayList<>();
        run(document, "outer", () -> {
            found.add(running.isOne());
            run(document, "inner", () -> {
                found.add(running.isOne());
                found.add(running.areAmong(Set.of("inner")));
                found.add(running.areAmong(Set.of("inner", "outer", "other")));
                assertEquals("inner", document.getIngestMetadata().get("pipeline"));
            });
            found.add(running.isOne());
            found.add(running.areAmong(Set.of("outer")));
            found.add(running.areAmong(Set.of("inner")));
        });
        assertEquals(List.of(true, false, false, true, true, true, false), found);
        assertEquals(Map.of(), document.getSource());
    }

    /** Whether the lookup is the plugin's, or 403, in each of these pipelines within each other, for an index that runs [own] and [inner]. */
    private static Object inPipelines(String index, String... pipelines) {
        IdentifyRights rights = new IdentifyRights(Settings.EMPTY, CONTEXT, name -> Set.of("own", "inner"));
        Gallery.Lookup lookup = new Gallery.Lookup("face-gallery", 1, null, List.of());
        IngestDocument document = new IngestDocument(index, "1", 1, null, VersionType.INTERNAL, new HashMap<>());
        List<Object> found = new ArrayList<>();
        Runnable work = () -> {
            try {
                found.add(rights.arePlugins(lookup, document));
            } catch (ElasticsearchSecurityException e) {
                found.add(e.status().getStatus());
            }
        };
        for (int i = pipelines.length - 1; i >= 0; i--) {
            String name = pipelines[i];
            Runnable inner = work;
            work = () -> run(document, name, inner);
        }
        work.run();
        return found.get(0);
    }

    @Test
    void onlyABulkHasThePluginsRightsAndNotThroughAPipelineThatTheIndexDoesNotRun() {
        assertEquals(false, inPipelines("face-probes", "own"));
        List<Object> inBulk = new ArrayList<>();
        new RealWrites(CONTEXT).apply(null, TransportBulkAction.NAME, new BulkRequest(), ActionListener.noop(), (task, action, bulk, l) -> {
            inBulk.add(inPipelines("face-probes", "own"));
            inBulk.add(inPipelines("face-probes", "any"));
            inBulk.add(inPipelines("face-probes", "own", "inner"));
            inBulk.add(inPipelines("face-probes", "any", "own"));
            inBulk.add(inPipelines("face-probes", "own", "any", "inner"));
            inBulk.add(inPipelines("elsewhere", "own"));
        });
        assertEquals(List.of(true, true, true, 403, 403, 403), inBulk);
        assertEquals(false, inPipelines("face-probes", "own"));
    }

    @Test
    void galleriesAreFoundHoweverDeepTheirProcessorStands() {
        Map<String, Object> face = Map.of("face", Map.of("identify", Map.of("index", "g")));
        Map<String, Object> other = Map.of("face", Map.of("identify", Map.of("index", "h")));
        Map<String, Object> pipeline = Map.of(
            "processors",
            List.of(Map.of("foreach", Map.of("processor", face)), Map.of("face", Map.of("model", "m"))),
            "on_failure",
            List.of(other)
        );
        assertEquals(Set.of("g", "h"), Pipelines.galleries(pipeline));
        assertEquals(Set.of(), Pipelines.galleries(Map.of("processors", List.of())));
    }

    @Test
    void calledPipelinesAreFollowedByNameAndInCircles() {
        Map<String, Object> configurations = Map.of("a", calls("b", "{{c}}", "missing"), "b", calls("a"), "c", calls());
        assertEquals(Set.of("a", "b"), Pipelines.withCalled("a", configurations));
        assertEquals(Set.of("c"), Pipelines.withCalled("c", configurations));
        assertEquals(Set.of(), Pipelines.withCalled("_none", configurations));
    }

    private static Map<String, Object> calls(String... names) {
        return Map.of("processors", Stream.of(names).map(name -> Map.of("pipeline", Map.of("name", name))).toList());
    }
}
