package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaceAnswerTests {

    @Test
    void facesKeepTheirOrderAndTheirKnownFieldsOnly() throws Exception {
        FaceAnswer.Faces found = Answers.found(2);
        assertEquals(Answers.MODEL, found.modelId());
        assertEquals(List.of(100.0, 110.0), found.faces().stream().map(FaceAnswer.Face::area).toList());
        assertEquals(FaceAnswer.Face.FIELDS, List.copyOf(found.faces().get(0).fields().keySet()));
        assertArrayEquals(new float[] { 0.1f, 0.2f, 0.3f, 0.4f }, found.faces().get(0).vector());
        assertEquals(0.6, found.faces().get(1).qualityScore());
    }

    @Test
    void aPhotosErrorIsAnAnswer() throws Exception {
        FaceAnswer answer = Answers.parse(Answers.photoError("not_an_image", "no"));
        assertEquals(new FaceAnswer.PhotoError("not_an_image", "no"), assertInstanceOf(FaceAnswer.PhotoError.class, answer));
    }

    @Test
    void aServiceThatEchoesThePhotoInItsErrorIsCutShort() throws Exception {
        FaceAnswer.PhotoError error = (FaceAnswer.PhotoError) Answers.parse(Answers.photoError("c", "x".repeat(100_000)));
        assertEquals(301, error.message().length());
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            "results"     | "nothing"     | [results] is missing
            "dims": 4     | "dims": 5     | [results.0.faces.0.vector] has [4] numbers, not [model.dims] = [5]
            "id":         | "name":       | [model.id] is missing
            0.1, 0.2      | "a", 0.2      | [results.0.faces.0.vector] is not a number
            0.1, 0.2      | 1e99, 0.2     | [results.0.faces.0.vector] is not a finite number
            "width": 10   | "width": null | [results.0.faces.0.box.width] is missing
            "box": {      | "boxes": {    | [results.0.faces.0.box] is missing
            "confidence"  | "certainty"   | [results.0.faces.0.confidence] is missing
            "sha256"      | "md5"         | [results.0.file.hash.sha256] is not 64 hexadecimal digits
            "faces": [    | "faces": 5, "x": [ | [results.0.faces] is not a list
            "results": [  | "results": [1, | [results] has [2] entries for [1] images
            "results": [  | "results": [[  | it is not a JSON object
            """,
        quoteCharacter = '~'
    )
    void anAnswerThatBreaksTheContractSaysWhere(String find, String replacement, String message) {
        String broken = Answers.faces(Answers.face(10, 0.5)).replaceFirst(Pattern.quote(find), replacement);
        assertEquals(message, assertThrows(FaceAnswer.Malformed.class, () -> Answers.parse(broken)).getMessage());
    }

    @Test
    void garbageIsNotRepeatedInTheMessage() {
        for (String garbage : List.of("", "<html>SECRET", "{\"SECRET", "[\"SECRET\"]", "null", "SECRET")) {
            String message = assertThrows(FaceAnswer.Malformed.class, () -> Answers.parse(garbage)).getMessage();
            assertFalse(message.contains("SECRET"), message);
        }
    }

    @Test
    void anotherModelThanAskedForIsRefused() {
        FaceRequest pinned = new FaceRequest("cGhvdG8=", "other", FaceRequest.Priority.INGEST, FaceRequest.Wanted.ALL);
        byte[] body = Answers.faces().getBytes(StandardCharsets.UTF_8);
        String message = assertThrows(FaceAnswer.Malformed.class, () -> FaceAnswer.parse(body, List.of(pinned))).getMessage();
        assertEquals("it is of model [facenet-1a2b3c4d], asked for was [other]", message);
    }

    @Test
    void aSearchNeedsNothingOfTheFile() throws Exception {
        FaceRequest search = new FaceRequest("cGhvdG8=", null, FaceRequest.Priority.SEARCH, FaceRequest.Wanted.ALL);
        byte[] body = Answers.faces(Answers.face(10, 0.5)).replace("\"file\"", "\"x\"").getBytes(StandardCharsets.UTF_8);
        assertInstanceOf(FaceAnswer.Faces.class, FaceAnswer.parse(body, List.of(search)).get(0));
    }

    @Test
    void theReasonOfAWholeRequestsErrorIsReadWhereThereIsOne() {
        assertEquals("full", FaceAnswer.parseErrorMessage("{\"error\": {\"code\": \"c\", \"message\": \"full\"}}".getBytes(StandardCharsets.UTF_8)));
        assertNull(FaceAnswer.parseErrorMessage("<html>502</html>".getBytes(StandardCharsets.UTF_8)));
        assertNull(FaceAnswer.parseErrorMessage("{\"error\": \"text\"}".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aRequestCarriesWhatTheServiceNeedsAndItsToStringNoPhoto() {
        FaceRequest request = new FaceRequest("cGhvdG8=", "m", FaceRequest.Priority.SEARCH, FaceRequest.Wanted.ALL);
        assertEquals(
            "{\"model\":\"m\",\"priority\":\"search\",\"return\":[\"vector\"],\"images\":[{\"image\":\"cGhvdG8=\"}]}",
            new String(FaceRequest.toJson(List.of(request)), StandardCharsets.UTF_8)
        );
        assertFalse(request.toString().contains("cGhvdG8"), request.toString());
    }

    @Test
    void aBatchHasOneAnswerAPhotoInOrder() throws Exception {
        String json = Answers.results(
            List.of(Answers.result("first"), "{\"error\": {\"code\": \"damaged\", \"message\": \"m\"}}", Answers.result("third"))
        );
        List<FaceAnswer> answers = FaceAnswer.parse(
            json.getBytes(StandardCharsets.UTF_8),
            List.of(Answers.REQUEST, Answers.REQUEST, Answers.REQUEST)
        );
        assertEquals("first", assertInstanceOf(FaceAnswer.Faces.class, answers.get(0)).thumbnail());
        assertEquals("damaged", assertInstanceOf(FaceAnswer.PhotoError.class, answers.get(1)).code());
        assertEquals("third", assertInstanceOf(FaceAnswer.Faces.class, answers.get(2)).thumbnail());
    }

    @Test
    void halfABatchOrAnAnswerTooManyIsNotTrusted() {
        for (int results : List.of(1, 3)) {
            byte[] body = Answers.results(Collections.nCopies(results, Answers.result("x"))).getBytes(StandardCharsets.UTF_8);
            String message = assertThrows(
                FaceAnswer.Malformed.class,
                () -> FaceAnswer.parse(body, List.of(Answers.REQUEST, Answers.REQUEST))
            ).getMessage();
            assertEquals("[results] has [" + results + "] entries for [2] images", message);
        }
    }
}
