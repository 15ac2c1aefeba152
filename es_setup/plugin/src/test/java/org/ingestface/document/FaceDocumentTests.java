package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;
import org.junit.jupiter.api.Test;

class FaceDocumentTests extends FaceDocumentTestCase {

    @Test
    void eachFaceBecomesAnEntry() {
        document.writeFaces(Answers.found(2), null, 1_234, NOW);
        assertEquals(List.of("0123456789abcdef-0", "0123456789abcdef-1"), faces().stream().map(face -> face.get("id")).toList());
        assertEquals(2, source.get("face_count"));
        assertEquals(0.6, source.get("best_quality"));
        assertEquals(Map.of("id", Answers.MODEL, "digest", "d1", "precision", "bf16"), source.get("model"));
        assertEquals(300, get("photo.width"));
        assertEquals("VEhVTUI=", source.get("thumbnail"));
        assertEquals(9, get("file.size"));
        assertEquals(Answers.SHA256, get("file.hash.sha256"));
        assertEquals(Map.of("ingested", "2026-11-22T16:00:00.000Z", "duration", 1_234L, "outcome", "success"), source.get("event"));
        assertNull(source.get("tags"));
    }

    @Test
    void whatAnOlderServiceDoesNotSayIsNotInTheDocument() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        FaceAnswer.Faces found = Answers.found(1);
        FaceAnswer.Model older = new FaceAnswer.Model("m", null, null);
        document.writeFaces(new FaceAnswer.Faces(older, found.faces(), found.photo(), found.file(), null), null, 1, NOW);
        assertEquals(Map.of("id", "m"), source.get("model"));
    }

    @Test
    void aPhotoWithoutFacesGetsATagAndNoError() {
        document.writeFaces(Answers.found(0), null, 1, NOW);
        assertEquals(List.of(), source.get("faces"));
        assertEquals(0, source.get("face_count"));
        assertFalse(source.containsKey("best_quality"));
        assertEquals(List.of("no_face"), source.get("tags"));
    }

    @Test
    void tagsOfAnyShapeKeepTheirValuesAndGetNoDuplicate() {
        Map<Object, Object> expected = new HashMap<>();
        expected.put("holiday", List.of("holiday", "no_face"));
        expected.put(List.of("a", "b"), List.of("a", "b", "no_face"));
        expected.put(List.of("no_face", "a"), List.of("a", "no_face"));
        expected.put("no_face", List.of("no_face"));
        expected.put(5, List.of(5, "no_face"));
        expected.put(Map.of("a", 1), Map.of("a", 1));
        for (Map.Entry<Object, Object> tags : expected.entrySet()) {
            source.put("tags", tags.getKey());
            document.writeFaces(Answers.found(0), null, 1, NOW);
            assertEquals(tags.getValue(), source.get("tags"));
        }
    }

    @Test
    void theTagIsRemovedIfALaterRunFindsFaces() {
        source.put("tags", List.of("a", "no_face"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of("a"), source.get("tags"));
        source.put("tags", "no_face");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertFalse(source.containsKey("tags"));
    }

    @Test
    void theSendersFileStaysExceptForTheHash() {
        source.put("file", Map.of("path", "/a.jpg", "size", 7, "hash", Map.of("sha256", "old", "md5", "m")));
        source.put("file.mime_type", "image/x-mine");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("path", "/a.jpg", "size", 7, "hash", Map.of("sha256", Answers.SHA256, "md5", "m")), source.get("file"));
        assertEquals("image/x-mine", source.get("file.mime_type"));
    }

    @Test
    void aFileThatIsNotAnObjectIsLeftAlone() {
        source.put("file", "/a.jpg");
        source.put("event", "party");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("/a.jpg", source.get("file"));
        assertEquals("party", source.get("event"));
        assertEquals(1, source.get("face_count"));
    }

    @Test
    void otherFieldsOfPhotoAreTheSendersEvenIfTheServiceHasThem() {
        source.put("photo", Map.of("raw", "cGhvdG8=", "width", 1));
        FaceAnswer.Faces found = Answers.found(1);
        Map<String, Object> photo = Map.of("raw", "another", "width", 5);
        document.writeFaces(new FaceAnswer.Faces(found.model(), found.faces(), photo, found.file(), null), null, 1, NOW);
        assertEquals(Map.of("raw", "cGhvdG8=", "width", 5, "faces_found", 1), source.get("photo"));
        document.writeError(error("c", "m"), null, 1, NOW);
        assertEquals(Map.of("raw", "cGhvdG8="), source.get("photo"));
    }

    @Test
    void writtenAtKnowsEveryFieldThatIsWrittenOrRemoved() {
        source.put("image", "cGhvdG8=");
        document.writeFaces(Answers.found(0), null, 1, NOW);
        source.put("error", Map.of("code", "c"));
        source.put("best_quality", 1);
        for (String field : source.keySet()) {
            assertEquals(field.equals("image"), document.writtenAt(field) == null, field);
        }
    }

    @Test
    void anErrorReplacesTheFieldsOfTheEarlierPhotoAndKeepsTheRest() {
        source.put("image", "not a photo");
        source.put("caption", "us");
        source.put("photo", new HashMap<>(Map.of("caption", "at the sea", "width", 1)));
        source.put("event", Map.of("dataset", "holiday"));
        document.writeFaces(Answers.found(0), null, 1, NOW);
        document.writeError(error("not_an_image", "no"), null, 5, NOW);
        assertEquals(Map.of("code", "not_an_image", "message", "no"), source.get("error"));
        for (String gone : List.of("faces", "face_count", "best_quality", "model", "thumbnail", "tags")) {
            assertFalse(source.containsKey(gone), gone);
        }
        assertEquals(Map.of("caption", "at the sea"), source.get("photo"));
        assertEquals("not a photo", source.get("image"));
        assertEquals("us", source.get("caption"));
        assertEquals("failure", get("event.outcome"));
        assertEquals("holiday", get("event.dataset"));
    }

    @Test
    void aSuccessRemovesAnEarlierError() {
        document.writeError(error("not_an_image", "no"), null, 5, NOW);
        source.put("error.code", "older");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertFalse(source.containsKey("error"));
        assertFalse(source.containsKey("error.code"));
    }

    @Test
    void aDocumentHasFacesIfItHasTheFieldAndAModel() {
        assertEquals(FaceDocument.State.NO_FACES, document.state());
        source.put("faces", List.of());
        assertEquals(FaceDocument.State.NO_FACES, document.state());
        source.put("model.id", "m");
        assertEquals(FaceDocument.State.FACES, document.state());
        source.put("faces", "many");
        assertEquals(FaceDocument.State.NO_FACES, document.state());
    }

    @Test
    void aSyntheticSourceHasOneFaceAsAnObjectAndNoEmptyArray() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        source.put("faces", faces().get(0));
        source.put("person", Map.of("name", "Ann"));
        assertEquals(FaceDocument.State.FACES, document.state());
        document.followEdits();
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        document.writeFaces(Answers.found(0), null, 1, NOW);
        source.remove("faces");
        assertEquals(FaceDocument.State.FACES, document.state());
        document.followEdits();
        assertEquals(List.of(), faces());
    }

    @Test
    void facesWithoutTheirVectorsAreDistinguished() {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertEquals(FaceDocument.State.FACES, document.state());
        faces().get(1).remove("vector");
        assertEquals(FaceDocument.State.FACES_WITHOUT_VECTORS, document.state());
        portrait.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(FaceDocument.State.FACES, portrait.state());
        source.remove("vector");
        assertEquals(FaceDocument.State.FACES_WITHOUT_VECTORS, portrait.state());
    }

    @Test
    void aSingleFaceHasItsVectorAtTheTopAndItsOtherFieldsInFace() {
        source.put("person", Map.of("name", "Ann"));
        portrait.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(0.1, 0.2, 0.3, 0.4), source.get("vector"));
        assertEquals("0123456789abcdef-0", get("face.id"));
        assertEquals(0.98, get("face.confidence"));
        assertNull(get("face.vector"));
        assertNull(source.get("faces"));
        assertNull(get("face.label"), "person.name says it");
        assertEquals(1, source.get("face_count"));
        assertNull(source.get("unnamed_faces"));
        portrait.writeError(error("no_face", "none"), null, 1, NOW);
        assertNull(source.get("vector"));
        assertNull(source.get("face"));
    }

    @Test
    void faceAndVectorAreTheSendersUnlessTheDocumentHasASingleFace() {
        source.putAll(Map.of("face", "round", "vector", "up"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("round", source.get("face"));
        assertEquals("up", source.get("vector"));
    }

    @Test
    void withATargetAllFieldsAreWrittenBelowIt() {
        source.putAll(Map.of("tags", "mine", "file", "mine", "person", Map.of("name", "Ann"), "portrait.caption", "us"));
        FaceDocument below = new FaceDocument(source, "portrait", false);
        below.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(FaceDocument.State.FACES, below.state());
        assertEquals(1, get("portrait.face_count"));
        assertEquals(0, get("portrait.unnamed_faces"));
        assertEquals("success", get("portrait.event.outcome"));
        assertEquals(Answers.SHA256, get("portrait.file.hash.sha256"));
        assertEquals("us", get("portrait.caption"));
        assertEquals(Set.of("tags", "file", "person", "portrait.caption", "portrait"), source.keySet());
        below.writeError(error("c", "m"), null, 1, NOW);
        assertEquals("c", get("portrait.error.code"));
        assertNull(get("portrait.faces"));
        assertEquals("mine", source.get("tags"));
    }
}
