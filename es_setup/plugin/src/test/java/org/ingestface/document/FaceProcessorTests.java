package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.common.hash.MessageDigests;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.index.VersionType;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.telemetry.metric.MeterRegistry;
import org.elasticsearch.threadpool.DefaultBuiltInExecutorBuilders;
import org.elasticsearch.threadpool.ThreadPool;
import org.ingestface.common.Facts;
import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceClient;
import org.ingestface.endpoint.FaceEndpoints;
import org.ingestface.endpoint.FakeService;
import org.ingestface.rights.FaceRights;
import org.ingestface.search.Gallery;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the processor does without an endpoint's answer. The tests on a real server check the rest. */
class FaceProcessorTests {

    private static final byte[] PHOTO = { 1, 2, 3 };
    private static final String SHA256 = MessageDigests.toHexString(MessageDigests.sha256().digest(PHOTO));

    private static final FaceRights ANYBODY = (index, fields, listener) -> listener.onResponse(null);

    /** The handler's arguments. */
    private record Outcome(IngestDocument document, Exception failure) {}

    private static IngestDocument document(Map<String, Object> source) {
        return new IngestDocument("faces", "1", 1, null, VersionType.INTERNAL, new HashMap<>(source));
    }

    /** Runs a processor without client, and checks that it calls the handler once. */
    private static Outcome run(Map<String, Object> options, IngestDocument document) {
        return run(null, options, document);
    }

    /** Runs a processor whose endpoint is not configured. */
    private static Outcome runWithoutEndpoint(Map<String, Object> options, IngestDocument document) {
        return run(new FaceClient(new FaceEndpoints(Settings.EMPTY), null, Path.of("/")), options, document);
    }

    private static Outcome run(FaceClient client, Map<String, Object> options, IngestDocument document) {
        List<Outcome> outcomes = new ArrayList<>();
        new FaceProcessor.Factory(() -> client, () -> null, () -> ANYBODY).create("tag", null, new HashMap<>(options))
            .execute(document, (result, failure) -> outcomes.add(new Outcome(result, failure)));
        assertEquals(1, outcomes.size());
        return outcomes.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo", "file", "event", "model" })
    void aPhotoInsideASharedObjectIsKeptWithItsError(String object) {
        IngestDocument document = document(Map.of(object, new HashMap<>(Map.of("raw", 5))));
        run(Map.of("field", object + ".raw"), document);
        assertEquals(5, document.getFieldValue(object + ".raw", Object.class));
        assertEquals("not_base64", document.getFieldValue("error.code", String.class));
    }

    @Test
    void aDocumentWithoutPhotoFailsWhateverOnErrorSays() {
        for (String onError : List.of("keep", "fail")) {
            Exception failure = run(Map.of("on_error", onError), document(Map.of("a", 1))).failure();
            assertInstanceOf(IllegalArgumentException.class, failure);
            assertEquals(List.of("image", "image"), Facts.of(failure.getMessage()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "faces", "unplaced" })
    void moreFacesThanADocumentHoldsAreRefusedBeforeAnyWork(String field) {
        IngestDocument document = document(Map.of("image", "a", field, Collections.nCopies(10_001, Map.of())));
        Exception failure = run(Map.of(), document).failure();
        assertInstanceOf(IllegalArgumentException.class, failure);
        assertEquals(List.of(field, "10001", "10000"), Facts.of(failure.getMessage()));
    }

    @Test
    void aNullIsDistinguishedFromAMissingField() {
        IngestDocument document = document(Map.of());
        document.getSource().put("image", null);
        String message = run(Map.of(), document).failure().getMessage();
        assertEquals(List.of("image"), Facts.of(message));
        assertTrue(message.contains("null"), message);
    }

    @Test
    void withIgnoreMissingADocumentWithoutPhotoIsNotChanged() {
        IngestDocument document = document(Map.of("a", 1));
        assertSame(document, run(Map.of("ignore_missing", true), document).document());
        assertEquals(Map.of("a", 1), document.getSource());
    }

    @Test
    void inADocumentThatHasItsFacesOnlyNumbersAndNamesFollowItsEntries() {
        List<?> faces = List.of(Map.of("vector", List.of(1.0), "label", Map.of("name", "Ann")), Map.of("vector", List.of(1.0)));
        Map<String, Object> source = Map.of("faces", faces, "model", Map.of("id", "m"), "unnamed_faces", 2, "face_count", 2);
        IngestDocument document = document(source);
        assertSame(document, run(Map.of("model", "m"), document).document());
        Map<String, Object> expected = Map.of(
            "faces",
            faces,
            "model",
            Map.of("id", "m"),
            "unnamed_faces",
            1,
            "face_count",
            2,
            "photo",
            Map.of("faces_found", 2)
        );
        assertEquals(expected, document.getSource());
        IngestDocument below = document(Map.of("portrait", source));
        run(Map.of("target_field", "portrait"), below);
        assertEquals(Map.of("portrait", expected), below.getSource());
    }

    @Test
    void aKeyThatNamesNoneOfTheFacesIsRefused() {
        List<?> faces = List.of(Map.of("vector", List.of(1.0)));
        Map<String, Object> source = Map.of("faces", faces, "model", Map.of("id", "m"), "faces.label.name", "Ann");
        for (IngestDocument document : List.of(document(source), document(Map.of("portrait", source)))) {
            String target = document.hasField("portrait") ? "portrait" : null;
            Map<String, Object> options = target == null ? Map.of() : Map.of("target_field", target);
            Exception failure = run(options, document).failure();
            assertInstanceOf(IllegalArgumentException.class, failure);
            String above = target == null ? "" : "portrait.";
            assertEquals(List.of(above + "faces.label.name", above + "faces"), Facts.of(failure.getMessage()));
        }
        IngestDocument own = document(Map.of("faces.label.name", "Ann", "a", 1));
        assertSame(own, run(Map.of("ignore_missing", true), own).document());
    }

    @Test
    void facesOfAnotherModelThanThePinnedOneAreRefused() {
        Exception failure = run(Map.of("model", "b"), document(Map.of("faces", List.of(), "model.id", "a"))).failure();
        assertInstanceOf(IllegalArgumentException.class, failure);
        assertEquals(List.of("a", "b"), Facts.of(failure.getMessage()));
    }

    @Test
    void theKeyOfThePhotoMayHaveDots() {
        IngestDocument document = document(Map.of("media.photo", 5));
        run(Map.of("field", "media.photo", "ignore_missing", true), document);
        assertEquals("not_base64", document.getFieldValue("error.code", String.class));
        String known = "photo";
        Map<String, Object> source = new HashMap<>(Map.of("faces", List.of(), "model.id", "m"));
        source.put("media.photo", Base64.getEncoder().encodeToString(known.getBytes(StandardCharsets.UTF_8)));
        source.put("file.hash.sha256", MessageDigests.toHexString(MessageDigests.sha256().digest(known.getBytes(StandardCharsets.UTF_8))));
        document = document(source);
        run(Map.of("field", "media.photo"), document);
        assertFalse(document.getSource().containsKey("media.photo"), "removed as any photo whose faces are there");
    }

    @Test
    void aPhotoThatIsNotAStringIsKeptWithItsError() {
        IngestDocument document = document(Map.of("image", 5));
        assertSame(document, run(Map.of(), document).document());
        assertEquals("not_base64", document.getFieldValue("error.code", String.class));
        assertEquals(List.of("image", "java.lang.Integer"), Facts.of(document.getFieldValue("error.message", String.class)));
        assertEquals(5, document.getSource().get("image"));
    }

    @Test
    void anObjectIsAlwaysRefusedSinceItCannotBeMapped() {
        Exception failure = run(Map.of("on_error", "keep"), document(Map.of("image", new HashMap<>(Map.of("a", 1))))).failure();
        assertEquals(List.of("not_base64", "image", "java.util.HashMap"), Facts.of(failure.getMessage()));
    }

    @Test
    void anObjectInAListIsRefusedToo() {
        for (List<?> photos : List.of(List.of(Map.of("a", 1)), List.of("a", List.of(Map.of())))) {
            Outcome outcome = run(Map.of("on_error", "keep"), document(Map.of("image", new ArrayList<>(photos))));
            assertEquals(RestStatus.BAD_REQUEST, assertInstanceOf(ElasticsearchStatusException.class, outcome.failure()).status());
            assertEquals(List.of("not_base64", "image", "java.util.ArrayList"), Facts.of(outcome.failure().getMessage()));
        }
    }

    @Test
    void aListOfPhotosIsRefusedWithTheAdviceToSendOneInEachDocument() {
        Outcome outcome = run(Map.of("on_error", "fail"), document(Map.of("image", new ArrayList<>(List.of("a", "b")))));
        assertNull(outcome.document());
        ElasticsearchStatusException failure = assertInstanceOf(ElasticsearchStatusException.class, outcome.failure());
        assertEquals(RestStatus.BAD_REQUEST, failure.status());
        assertEquals(List.of("not_base64", "image", "java.util.ArrayList"), Facts.of(failure.getMessage()));
        assertTrue(failure.getMessage().contains("one photo"), failure.getMessage());
    }

    @Test
    void aFailedDocumentIsNotChanged() {
        IngestDocument document = document(Map.of("image", 5));
        run(Map.of("on_error", "fail"), document);
        assertEquals(Map.of("image", 5), document.getSource());
        assertFalse(document.hasField("error"));
    }

    /** A stored document that is sent again with its photo. */
    private static Map<String, Object> complete(Object image) {
        Map<String, Object> face = Map.of("vector", List.of(1.0), "label", Map.of("name", "Ann"));
        Map<String, Object> source = new HashMap<>(Map.of("faces", List.of(face), "model.id", "m", "file.hash.sha256", SHA256));
        source.put("image", image);
        return source;
    }

    @Test
    void aPhotoWhoseFacesAreThereIsNotProcessedAgain() {
        String base64 = Base64.getEncoder().encodeToString(PHOTO);
        String named = "DATA:image/png;name=\"my photo, 1.jpg\";base64," + base64.replace("=", "%3D");
        for (Object image : List.of(base64, "data:image/png;base64," + base64, named, PHOTO)) {
            IngestDocument document = document(complete(image));
            assertSame(document, run(Map.of("model", "m"), document).document());
            assertFalse(document.hasField("image"), "remove_binary applies too");
            assertEquals("Ann", document.getFieldValue("faces.0.label.name", String.class));
        }
        IngestDocument kept = document(complete(base64));
        run(Map.of("remove_binary", false), kept);
        Map<String, Object> counted = complete(base64);
        counted.putAll(Map.of("unnamed_faces", 0, "face_count", 1, "photo", Map.of("faces_found", 1)));
        assertEquals(counted, kept.getSource());
    }

    @Test
    void facesWithoutTheirVectorsAreRefused() {
        Map<String, Object> source = complete("?");
        source.remove("image");
        source.put("faces", List.of(Map.of("id", "1")));
        String message = run(Map.of(), document(source)).failure().getMessage();
        assertTrue(message.contains("vectors"), message);
        assertTrue(message.contains("\"exclude_vectors\": false"), message);
    }

    @Test
    void aTargetThatIsNotAnObjectIsRefusedAndTheDocumentNotChanged() {
        IngestDocument document = document(Map.of("image", 5, "a", Map.of("b", "taken")));
        Exception failure = run(Map.of("target_field", "a.b.c"), document).failure();
        assertEquals(List.of("a.b", "java.lang.String", "target_field", "a.b.c"), Facts.of(failure.getMessage()));
        assertEquals(Map.of("image", 5, "a", Map.of("b", "taken")), document.getSource());
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo", "model" })
    void aFieldOfTheSenderThatIsNotAnObjectIsNotReplaced(String field) {
        for (Object value : List.of("a.jpg", 5, List.of("a", "b"))) {
            Map<String, Object> source = Map.of("image", 5, field, value);
            IngestDocument document = document(source);
            String message = run(Map.of(), document).failure().getMessage();
            String written = field.equals("photo") ? "photo.width" : "model.id";
            assertEquals(List.of(field, value.getClass().getName(), written, "target_field"), Facts.of(message));
            assertEquals(source, document.getSource());
            IngestDocument below = document(source);
            assertSame(below, run(Map.of("target_field", "t"), below).document());
            assertEquals(value, below.getSource().get(field));
        }
    }

    @Test
    void withOnUnavailableKeepThePhotoIsKeptIfTheEndpointCannotAnswer() {
        IngestDocument document = document(Map.of("image", "cGhvdG8="));
        assertSame(document, runWithoutEndpoint(Map.of("on_unavailable", "keep"), document).document());
        assertEquals("unavailable", document.getFieldValue("error.code", String.class));
        assertEquals("cGhvdG8=", document.getFieldValue("image", String.class));
    }

    @Test
    void theDocumentIsRefusedIfItsErrorCannotBeWritten() {
        IngestDocument document = document(Map.of("image", "cGhvdG8=", "a", "taken"));
        Exception failure = runWithoutEndpoint(Map.of("on_unavailable", "keep", "target_field", "a"), document).failure();
        assertInstanceOf(IllegalArgumentException.class, failure);
        assertEquals(Map.of("image", "cGhvdG8=", "a", "taken"), document.getSource());
    }

    @Test
    void storedFacesSurviveIfTheEndpointCannotAnswer() {
        String base64 = Base64.getEncoder().encodeToString(PHOTO);
        Map<String, Object> options = Map.of("override", true, "on_unavailable", "keep");
        IngestDocument document = document(complete(base64));
        assertInstanceOf(EsRejectedExecutionException.class, runWithoutEndpoint(options, document).failure());
        assertEquals(complete(base64), document.getSource());

        IngestDocument ofAnotherPhoto = document(complete("YW5vdGhlcg=="));
        assertSame(ofAnotherPhoto, runWithoutEndpoint(options, ofAnotherPhoto).document());
        assertFalse(ofAnotherPhoto.hasField("faces"));
    }

    @Test
    void theHandlerIsCalledOnceEvenIfItThrows() throws Exception {
        ThreadPool threadPool = new ThreadPool(
            Settings.builder().put("node.name", "test").build(),
            MeterRegistry.NOOP,
            new DefaultBuiltInExecutorBuilders()
        );
        try (FakeService service = new FakeService(request -> new FakeService.Answer(200, Answers.faces()))) {
            Settings settings = Settings.builder().putList("face.endpoint.default.urls", service.url()).build();
            try (FaceClient client = new FaceClient(new FaceEndpoints(settings), threadPool, Path.of("/"))) {
                Gallery gallery = new Gallery(null, null, threadPool, null);
                FaceProcessor processor = new FaceProcessor.Factory(() -> client, () -> gallery, () -> ANYBODY).create(
                    "tag",
                    null,
                    new HashMap<>(Map.of("identify", Map.of("index", "g")))
                );
                List<String> calls = new CopyOnWriteArrayList<>();
                processor.execute(document(Map.of("image", "a")), (result, failure) -> {
                    calls.add(failure == null ? "answer" : "failure");
                    throw new IllegalStateException("the handler throws");
                });
                for (int i = 0; i < 1_000 && calls.isEmpty(); i++) {
                    Thread.sleep(10);
                }
                Thread.sleep(50);
                assertEquals(List.of("answer"), calls);
            }
        } finally {
            ThreadPool.terminate(threadPool, 10, TimeUnit.SECONDS);
        }
    }
}
