package org.ingestface;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.common.hash.MessageDigests;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.index.VersionType;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the processor decides without an endpoint; with one see the suite on a real server. */
class FaceProcessorTests {

    /** What the handler was answered, and that it was so once. */
    private record Outcome(IngestDocument document, Exception failure) {}

    private static FaceProcessor processor(Map<String, Object> options) {
        return new FaceProcessor.Factory(() -> null, () -> null).create("tag", null, new HashMap<>(options));
    }

    private static IngestDocument document(Map<String, Object> source) {
        return new IngestDocument("faces", "1", 1, null, VersionType.INTERNAL, new HashMap<>(source));
    }

    private static Outcome run(Map<String, Object> options, IngestDocument document) {
        List<Outcome> outcomes = new ArrayList<>();
        processor(options).execute(document, (result, failure) -> outcomes.add(new Outcome(result, failure)));
        assertEquals(1, outcomes.size());
        return outcomes.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo", "file", "event", "model" })
    void aPhotoThereIsKeptWithItsError(String object) {
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
            assertEquals("field [image] not present as part of path [image]", failure.getMessage());
        }
    }

    @Test
    void aNullIsToldFromAMissingField() {
        IngestDocument document = document(Map.of());
        document.getSource().put("image", null);
        assertEquals("field [image] is null, cannot find faces.", run(Map.of(), document).failure().getMessage());
    }

    @Test
    void ignoreMissingLetsItPassUntouched() {
        IngestDocument document = document(Map.of("a", 1));
        assertSame(document, run(Map.of("ignore_missing", true), document).document());
        assertEquals(Map.of("a", 1), document.getSource());
    }

    @Test
    void aDocumentThatHasItsFacesPassesUntouchedButForTheNumberOfThoseWithoutAName() {
        List<?> faces = List.of(Map.of("vector", List.of(1.0), "label", Map.of("name", "Ann")), Map.of("vector", List.of(1.0)));
        Map<String, Object> source = Map.of("faces", faces, "model", Map.of("id", "m"), "unnamed_faces", 2);
        IngestDocument document = document(source);
        assertSame(document, run(Map.of("model", "m"), document).document());
        assertEquals(Map.of("faces", faces, "model", Map.of("id", "m"), "unnamed_faces", 1), document.getSource());
        IngestDocument below = document(Map.of("portrait", source));
        run(Map.of("target_field", "portrait"), below);
        assertEquals(Map.of("portrait", document.getSource()), below.getSource());
    }

    @Test
    void facesOfAnotherModelThanThePinnedOneAreRefused() {
        Exception failure = run(Map.of("model", "b"), document(Map.of("faces", List.of(), "model.id", "a"))).failure();
        assertInstanceOf(IllegalArgumentException.class, failure);
        assertEquals(
            "document has faces of model [a] but this pipeline is pinned to [b]; index the photo itself, or use an index of that model",
            failure.getMessage()
        );
    }

    @Test
    void thePhotoMayBeInAKeyWithDots() {
        IngestDocument document = document(Map.of("media.photo", 5));
        run(Map.of("field", "media.photo", "ignore_missing", true), document);
        assertEquals("not_base64", document.getFieldValue("error.code", String.class));
        String known = "photo";
        Map<String, Object> source = new HashMap<>(Map.of("faces", List.of(), "model.id", "m"));
        source.put("media.photo", Base64.getEncoder().encodeToString(known.getBytes(StandardCharsets.UTF_8)));
        source.put("file.hash.sha256", MessageDigests.toHexString(MessageDigests.sha256().digest(known.getBytes(StandardCharsets.UTF_8))));
        document = document(source);
        run(Map.of("field", "media.photo"), document);
        assertFalse(document.getSource().containsKey("media.photo"), "as any photo whose faces are there");
    }

    @Test
    void whatIsNoStringIsKeptWithItsError() {
        IngestDocument document = document(Map.of("image", 5));
        assertSame(document, run(Map.of(), document).document());
        String message = "field [image] of type [java.lang.Integer] is not a base64 string";
        assertEquals(Map.of("code", "not_base64", "message", message), document.getSource().get("error"));
        assertEquals(5, document.getSource().get("image"));
    }

    @Test
    void anObjectIsRefusedAlwaysSinceItsFieldCouldNotBeMapped() {
        Exception failure = run(Map.of("on_error", "keep"), document(Map.of("image", new HashMap<>(Map.of("a", 1))))).failure();
        assertEquals("[not_base64] field [image] of type [java.util.HashMap] is not a base64 string", failure.getMessage());
    }

    @Test
    void anObjectInAListIsRefusedLikewise() {
        for (List<?> photos : List.of(List.of(Map.of("a", 1)), List.of("a", List.of(Map.of())))) {
            Outcome outcome = run(Map.of("on_error", "keep"), document(Map.of("image", new ArrayList<>(photos))));
            assertEquals(RestStatus.BAD_REQUEST, assertInstanceOf(ElasticsearchStatusException.class, outcome.failure()).status());
            assertEquals(
                "[not_base64] field [image] of type [java.util.ArrayList] is not a base64 string; send one photo a document",
                outcome.failure().getMessage()
            );
        }
    }

    @Test
    void aListOfPhotosIsToldToBecomeSeveralDocuments() {
        Outcome outcome = run(Map.of("on_error", "fail"), document(Map.of("image", new ArrayList<>(List.of("a", "b")))));
        assertNull(outcome.document());
        ElasticsearchStatusException failure = assertInstanceOf(ElasticsearchStatusException.class, outcome.failure());
        assertEquals(RestStatus.BAD_REQUEST, failure.status());
        assertEquals(
            "[not_base64] field [image] of type [java.util.ArrayList] is not a base64 string; send one photo a document",
            failure.getMessage()
        );
    }

    @Test
    void aFailedDocumentIsNotTouched() {
        IngestDocument document = document(Map.of("image", 5));
        run(Map.of("on_error", "fail"), document);
        assertEquals(Map.of("image", 5), document.getSource());
        assertFalse(document.hasField("error"));
    }

    @Test
    void bracesInAServicesMessageAreNoPlaceholders() {
        assertEquals("[c] not {} an image", FaceProcessor.photoError(new FaceAnswer.PhotoError("c", "not {} an image")).getMessage());
    }

    private static final byte[] PHOTO = { 1, 2, 3 };
    private static final String SHA256 = MessageDigests.toHexString(MessageDigests.sha256().digest(PHOTO));

    /** A stored document whose photo came along again. */
    private static Map<String, Object> complete(Object image) {
        Map<String, Object> face = Map.of("vector", List.of(1.0), "label", Map.of("name", "Ann"));
        Map<String, Object> source = new HashMap<>(Map.of("faces", List.of(face), "model.id", "m", "file.hash.sha256", SHA256));
        source.put("image", image);
        return source;
    }

    @Test
    void thePhotoWhoseFacesAreThereIsNotLookedAtAgain() {
        String base64 = Base64.getEncoder().encodeToString(PHOTO);
        for (Object image : List.of(base64, "data:image/png;base64," + base64, PHOTO)) {
            IngestDocument document = document(complete(image));
            assertSame(document, run(Map.of("model", "m"), document).document());
            assertFalse(document.hasField("image"), "remove_binary holds for it too");
            assertEquals("Ann", document.getFieldValue("faces.0.label.name", String.class));
        }
        IngestDocument kept = document(complete(base64));
        run(Map.of("remove_binary", false), kept);
        Map<String, Object> counted = complete(base64);
        counted.put("unnamed_faces", 0);
        assertEquals(counted, kept.getSource());
    }

    @Test
    void facesWithoutTheirVectorsAreNotTakenForWhole() {
        Map<String, Object> source = complete("?");
        source.remove("image");
        source.put("faces", List.of(Map.of("id", "1")));
        String message = run(Map.of(), document(source)).failure().getMessage();
        assertTrue(message.startsWith("document has faces but not their vectors"), message);
        assertTrue(message.contains("\"exclude_vectors\": false"), message);
    }

    @Test
    void aTargetThatIsNoObjectIsRefusedAndTheDocumentNotTouched() {
        IngestDocument document = document(Map.of("image", 5, "a", Map.of("b", "taken")));
        Exception failure = run(Map.of("target_field", "a.b.c"), document).failure();
        assertEquals(
            "field [a.b] of type [java.lang.String] is not an object, cannot write [target_field] [a.b.c] into it.",
            failure.getMessage()
        );
        assertEquals(Map.of("image", 5, "a", Map.of("b", "taken")), document.getSource());
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo", "model" })
    void aFieldOfTheSendersThatIsNoObjectIsNotReplacedByOurs(String field) {
        for (Object value : List.of("a.jpg", 5, List.of("a", "b"))) {
            Map<String, Object> source = Map.of("image", 5, field, value);
            IngestDocument document = document(source);
            String message = run(Map.of(), document).failure().getMessage();
            String start = "field [" + field + "] of type [" + value.getClass().getName() + "] is not an object, cannot write [" + field + ".";
            assertTrue(message.startsWith(start), message);
            assertTrue(message.endsWith("] into it; choose a [target_field]."), message);
            assertEquals(source, document.getSource());
            IngestDocument below = document(source);
            assertSame(below, run(Map.of("target_field", "t"), below).document());
            assertEquals(value, below.getSource().get(field));
        }
    }

    /** Like {@link #run}, with endpoints none of which is configured. */
    private static Outcome runWithoutEndpoint(Map<String, Object> options, IngestDocument document) {
        FaceClient client = new FaceClient(new FaceEndpoints(Settings.EMPTY), null, Path.of("/"), FaceClient.MAX_ANSWER);
        List<Outcome> outcomes = new ArrayList<>();
        new FaceProcessor.Factory(() -> client, () -> null).create("tag", null, new HashMap<>(options))
            .execute(document, (result, failure) -> outcomes.add(new Outcome(result, failure)));
        assertEquals(1, outcomes.size());
        return outcomes.get(0);
    }

    @Test
    void aPhotoThatNobodyCouldLookAtIsKeptIfAskedTo() {
        IngestDocument document = document(Map.of("image", "cGhvdG8="));
        assertSame(document, runWithoutEndpoint(Map.of("on_unavailable", "keep"), document).document());
        assertEquals("unavailable", document.getFieldValue("error.code", String.class));
        assertEquals("cGhvdG8=", document.getFieldValue("image", String.class));
    }

    @Test
    void aPhotoThatNobodyCouldLookAtIsRefusedWhereItsReasonCannotBeKept() {
        IngestDocument document = document(Map.of("image", "cGhvdG8=", "a", "taken"));
        Exception failure = runWithoutEndpoint(Map.of("on_unavailable", "keep", "target_field", "a"), document).failure();
        assertInstanceOf(IllegalArgumentException.class, failure);
        assertEquals(Map.of("image", "cGhvdG8=", "a", "taken"), document.getSource());
    }

    @Test
    void facesThatAreThereOutliveAnEndpointThatIsNot() {
        String base64 = Base64.getEncoder().encodeToString(PHOTO);
        Map<String, Object> options = Map.of("override", true, "on_unavailable", "keep");
        IngestDocument document = document(complete(base64));
        assertInstanceOf(EsRejectedExecutionException.class, runWithoutEndpoint(options, document).failure());
        assertEquals(complete(base64), document.getSource());

        IngestDocument ofAnotherPhoto = document(complete("YW5vdGhlcg=="));
        assertSame(ofAnotherPhoto, runWithoutEndpoint(options, ofAnotherPhoto).document());
        assertFalse(ofAnotherPhoto.hasField("faces"));
    }
}
