package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.rest.RestStatus;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerParserTests {

    @Test
    void facesKeepTheirOrderAndOnlyTheirKnownFields() throws Exception {
        FaceAnswer.Faces found = Answers.found(2);
        assertEquals(Answers.MODEL, found.model().id());
        assertEquals(List.of(100.0, 110.0), found.faces().stream().map(FaceAnswer.Face::area).toList());
        List<String> ofEveryFace = FaceAnswer.Face.FIELDS.stream().filter(field -> field.equals("drawn") == false).toList();
        assertEquals(ofEveryFace, List.copyOf(found.faces().get(0).fields().keySet()));
        assertArrayEquals(new float[] { 0.1f, 0.2f, 0.3f, 0.4f }, found.faces().get(0).vector());
        assertEquals(Map.of("score", 0.6), found.faces().get(1).fields().get("quality"));
    }

    @Test
    void onlyAFaceWhoseBoxAPersonDrewSaysSo() throws Exception {
        FaceAnswer.Faces found = Answers.found(Answers.face(10, 0.5).replace("\"later\"", "\"drawn\": false, \"later\""), Answers.drawn(1, 2, 30, 40));
        assertFalse(found.faces().get(0).fields().containsKey("drawn"));
        assertEquals(true, found.faces().get(1).fields().get("drawn"));
        String broken = Answers.faces(Answers.drawn(1, 2, 30, 40).replace("true", "\"yes\""));
        String message = assertThrows(AnswerParser.Malformed.class, () -> Answers.parse(broken)).getMessage();
        assertEquals(List.of("results.0.faces.0.drawn"), Facts.of(message));
    }

    @Test
    void anErrorOfThePhotoIsAnAnswer() throws Exception {
        FaceAnswer answer = Answers.parse(Answers.photoError("not_an_image", "no"));
        assertEquals(new FaceAnswer.PhotoError("not_an_image", "no"), assertInstanceOf(FaceAnswer.PhotoError.class, answer));
    }

    @Test
    void theExceptionOfAnErrorHasItsCodeAndKeepsBracesInItsMessage() {
        ElasticsearchStatusException exception = new FaceAnswer.PhotoError("c", "not {} an image").exception();
        assertEquals(RestStatus.BAD_REQUEST, exception.status());
        assertEquals("[c] not {} an image", exception.getMessage());
    }

    @Test
    void aLongErrorIsShortenedSinceItMayEchoThePhoto() throws Exception {
        FaceAnswer.PhotoError error = (FaceAnswer.PhotoError) Answers.parse(Answers.photoError("c", "x".repeat(100_000)));
        assertEquals(301, error.message().length());
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            "results"     | "nothing"          | results                                      | missing
            "dims": 4     | "dims": 5          | results.0.faces.0.vector, 4, model.dims, 5   | numbers
            "id":         | "name":            | model.id                                     | missing
            0.1, 0.2      | "a", 0.2           | results.0.faces.0.vector                     | number
            0.1, 0.2      | 1e99, 0.2          | results.0.faces.0.vector                     | finite
            "width": 10   | "width": null      | results.0.faces.0.box.width                  | missing
            "box": {      | "boxes": {         | results.0.faces.0.box                        | missing
            "confidence"  | "certainty"        | results.0.faces.0.confidence                 | missing
            "sha256"      | "md5"              | results.0.file.hash.sha256                   | 64
            "faces": [    | "faces": 5, "x": [ | results.0.faces                              | list
            "results": [  | "results": [1,     | results, 2, 1                                | entries
            "results": [  | "results": [[      |                                              | JSON object
            """,
        quoteCharacter = '~'
    )
    void anAnswerThatBreaksTheContractIsRefusedWithThePlace(String find, String replacement, String facts, String reason) {
        String broken = Answers.faces(Answers.face(10, 0.5)).replaceFirst(Pattern.quote(find), replacement);
        String message = assertThrows(AnswerParser.Malformed.class, () -> Answers.parse(broken)).getMessage();
        assertEquals(facts == null ? List.of() : List.of(facts.split(", ")), Facts.of(message));
        assertTrue(message.contains(reason), message);
    }

    @Test
    void theMessageDoesNotQuoteGarbage() {
        for (String garbage : List.of("", "<html>SECRET", "{\"SECRET", "[\"SECRET\"]", "null", "SECRET")) {
            String message = assertThrows(AnswerParser.Malformed.class, () -> Answers.parse(garbage)).getMessage();
            assertFalse(message.contains("SECRET"), message);
        }
    }

    @Test
    void anotherModelThanTheRequestedOneIsRefused() {
        FaceRequest pinned = new FaceRequest("cGhvdG8=", "other", FaceRequest.Priority.INGEST, FaceRequest.Limits.NONE);
        byte[] body = Answers.faces().getBytes(StandardCharsets.UTF_8);
        String message = assertThrows(AnswerParser.Malformed.class, () -> AnswerParser.parse(body, List.of(pinned))).getMessage();
        assertEquals(List.of("facenet-1a2b3c4d", "other"), Facts.of(message));
    }

    @Test
    void aSearchNeedsNothingOfTheFile() throws Exception {
        FaceRequest search = new FaceRequest("cGhvdG8=", null, FaceRequest.Priority.SEARCH, FaceRequest.Limits.NONE);
        byte[] body = Answers.faces(Answers.face(10, 0.5)).replace("\"file\"", "\"x\"").getBytes(StandardCharsets.UTF_8);
        assertInstanceOf(FaceAnswer.Faces.class, AnswerParser.parse(body, List.of(search)).get(0));
    }

    @Test
    void theMessageOfAnErrorOfTheWholeRequestIsReadIfThereIsOne() {
        String body = "{\"error\": {\"code\": \"c\", \"message\": \"full\"}}";
        assertEquals("full", AnswerParser.parseRefusal(body.getBytes(StandardCharsets.UTF_8)).message());
        assertNull(AnswerParser.parseRefusal("<html>502</html>".getBytes(StandardCharsets.UTF_8)).message());
        assertNull(AnswerParser.parseRefusal("{\"error\": \"text\"}".getBytes(StandardCharsets.UTF_8)).message());
    }

    @Test
    void aRequestHasThePhotoButItsToStringDoesNot() {
        FaceRequest request = new FaceRequest("cGhvdG8=", "m", FaceRequest.Priority.SEARCH, FaceRequest.Limits.NONE);
        assertEquals(
            "{\"model\":\"m\",\"priority\":\"search\",\"return\":[\"vector\"],\"images\":[{\"image\":\"cGhvdG8=\"}]}",
            new String(FaceRequest.toJson(List.of(request)), StandardCharsets.UTF_8)
        );
        assertFalse(request.toString().contains("cGhvdG8"), request.toString());
    }

    @Test
    void aRequestHasTheBoxesOfItsPhoto() {
        FaceRequest.Limits two = new FaceRequest.Limits(2, null, null);
        Map<String, Integer> box = new TreeMap<>(Map.of("x", 1, "y", 2, "width", 30, "height", 40));
        for (FaceRequest.Limits limits : List.of(FaceRequest.Limits.NONE, two)) {
            FaceRequest request = new FaceRequest("cGhvdG8=", null, FaceRequest.Priority.SEARCH, limits, List.of(box));
            String options = "{" + (limits == two ? "\"max_faces\":2," : "") + "\"boxes\":[{\"height\":40,\"width\":30,\"x\":1,\"y\":2}]}";
            String json = new String(FaceRequest.toJson(List.of(request)), StandardCharsets.UTF_8);
            assertTrue(json.endsWith("{\"image\":\"cGhvdG8=\",\"options\":" + options + "}]}"), json);
        }
    }

    @Test
    void aBatchHasOneAnswerForEachPhotoInOrder() throws Exception {
        String json = Answers.results(
            List.of(Answers.result("first"), "{\"error\": {\"code\": \"damaged\", \"message\": \"m\"}}", Answers.result("third"))
        );
        List<FaceAnswer> answers = AnswerParser.parse(
            json.getBytes(StandardCharsets.UTF_8),
            List.of(Answers.REQUEST, Answers.REQUEST, Answers.REQUEST)
        );
        assertEquals("first", assertInstanceOf(FaceAnswer.Faces.class, answers.get(0)).thumbnail());
        assertEquals("damaged", assertInstanceOf(FaceAnswer.PhotoError.class, answers.get(1)).code());
        assertEquals("third", assertInstanceOf(FaceAnswer.Faces.class, answers.get(2)).thumbnail());
    }

    @Test
    void tooFewOrTooManyResultsAreRefused() {
        for (int results : List.of(1, 3)) {
            byte[] body = Answers.results(Collections.nCopies(results, Answers.result("x"))).getBytes(StandardCharsets.UTF_8);
            String message = assertThrows(
                AnswerParser.Malformed.class,
                () -> AnswerParser.parse(body, List.of(Answers.REQUEST, Answers.REQUEST))
            ).getMessage();
            assertEquals(List.of("results", String.valueOf(results), "2"), Facts.of(message));
        }
    }
}
