package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;

class FaceDocumentTests {

    private static final Instant NOW = Instant.parse("2026-11-22T16:00:00Z");
    private static final Instant LATER = Instant.parse("2027-01-01T00:00:00Z");

    private final Map<String, Object> source = new HashMap<>();
    private final FaceDocument document = new FaceDocument(source, null, false);
    private final FaceDocument portrait = new FaceDocument(source, null, true);

    private Object get(String path) {
        return DottedPaths.get(source, path);
    }

    @SuppressWarnings("unchecked")
    private List<Map<String, Object>> faces() {
        return (List<Map<String, Object>>) source.get("faces");
    }

    @Test
    void aPhotoWithFacesBecomesAnEntryForEach() throws Exception {
        document.writeFaces(Answers.found(2), null, 1_234, NOW);
        assertEquals(List.of("0123456789abcdef-0", "0123456789abcdef-1"), faces().stream().map(face -> face.get("id")).toList());
        assertEquals(2, source.get("face_count"));
        assertEquals(0.6, source.get("best_quality"));
        assertEquals(Map.of("id", Answers.MODEL, "digest", "d1"), source.get("model"));
        assertEquals(300, get("photo.width"));
        assertEquals("VEhVTUI=", source.get("thumbnail"));
        assertEquals(9, get("file.size"));
        assertEquals(Answers.SHA256, get("file.hash.sha256"));
        assertEquals(Map.of("ingested", "2026-11-22T16:00:00.000Z", "duration", 1_234L, "outcome", "success"), source.get("event"));
        assertNull(source.get("tags"));
    }

    @Test
    void aPhotoWithoutFacesIsNoErrorButHasATag() throws Exception {
        document.writeFaces(Answers.found(0), null, 1, NOW);
        assertEquals(List.of(), source.get("faces"));
        assertEquals(0, source.get("face_count"));
        assertFalse(source.containsKey("best_quality"));
        assertEquals(List.of("no_face"), source.get("tags"));
    }

    @Test
    void tagsOfAnyShapeKeepWhatTheyHadAndGetNoDuplicate() throws Exception {
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
    void theTagGoesWhenALaterRunFindsFaces() throws Exception {
        source.put("tags", List.of("a", "no_face"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of("a"), source.get("tags"));
        source.put("tags", "no_face");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertFalse(source.containsKey("tags"));
    }

    @Test
    void aNameLabelsOnlyAFaceThatIsAlone() throws Exception {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertTrue(faces().stream().noneMatch(face -> face.containsKey("label")));
    }

    @Test
    void aNameThatComesLaterLabelsAFaceThatIsAloneAndHasNoLabel() throws Exception {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        source.put("person", Map.of("name", "Ann"));
        document.renewNames();
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        source.put("person", Map.of("name", "Bea"));
        document.renewNames();
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        source.clear();
        document.writeFaces(Answers.found(2), null, 1, NOW);
        source.put("person", Map.of("name", "Ann"));
        document.renewNames();
        assertTrue(faces().stream().noneMatch(face -> face.containsKey("label")));
    }

    private Object unnamedFaces() {
        document.renewNames();
        return source.get("unnamed_faces");
    }

    @Test
    void aFaceIsUnnamedUntilItHasALabelAndAgainWithoutIt() throws Exception {
        document.writeFaces(Answers.found(3), null, 1, NOW);
        assertEquals(3, source.get("unnamed_faces"));
        faces().get(1).put("label", Map.of("name", "Ann"));
        faces().get(2).put("label.name", "Bea");
        faces().get(0).put("label", Map.of("customer", 7));
        assertEquals(1, unnamedFaces());
        faces().get(1).remove("label");
        assertEquals(2, unnamedFaces());
        document.writeFaces(Answers.found(0), null, 1, NOW);
        assertEquals(0, source.get("unnamed_faces"));
        document.writeError("c", "m", null, 1, NOW);
        assertNull(unnamedFaces(), "nobody knows how many");
    }

    @Test
    void thePhotosNameIsTheNameOfAFaceThatIsAloneAndOfNoOther() throws Exception {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertEquals(2, source.get("unnamed_faces"));
        source.remove("person");
        document.writeFaces(foundInAnother(null), null, 1, NOW);
        assertEquals(1, source.get("unnamed_faces"));
        source.put("person.name", List.of("Ann"));
        assertEquals(0, unnamedFaces());
    }

    @Test
    void aLabelThatIsNoPhotosNameOutlivesAFaceThatJoins() throws Exception {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().get(0).put("label", Map.of("customer", 7));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertEquals(Map.of("customer", 7), faces().get(0).get("label"));
    }

    @Test
    void aNameMayHaveDotsInItsKeyAndMustBeAString() throws Exception {
        source.put("person.name", "Ann");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        for (Object odd : List.of(List.of("Ann", "Bob"), Map.of("first", "Ann"), 5)) {
            source.put("person.name", odd);
            source.remove("faces");
            document.writeFaces(Answers.found(1), null, 1, NOW);
            assertFalse(faces().get(0).containsKey("label"));
        }
    }

    @Test
    void theSendersFactsOfTheFileStayExceptTheHash() throws Exception {
        source.put("file", Map.of("path", "/a.jpg", "size", 7, "hash", Map.of("sha256", "old", "md5", "m")));
        source.put("file.mime_type", "image/x-mine");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("path", "/a.jpg", "size", 7, "hash", Map.of("sha256", Answers.SHA256, "md5", "m")), source.get("file"));
        assertEquals("image/x-mine", source.get("file.mime_type"));
    }

    @Test
    void aFileThatIsNoObjectIsLeftAlone() throws Exception {
        source.put("file", "/a.jpg");
        source.put("event", "party");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("/a.jpg", source.get("file"));
        assertEquals("party", source.get("event"));
        assertEquals(1, source.get("face_count"));
    }

    @Test
    void theTimeIsTheSendersElseThePhotosElseNow() throws Exception {
        document.writeError("c", "m", null, 1, NOW);
        assertEquals("2026-11-22T16:00:00.000Z", source.get("@timestamp"));
        source.remove("@timestamp");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
        source.put("@timestamp", "1999-01-01");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("1999-01-01", source.get("@timestamp"));
    }

    /** What the service says of another photo than {@link Answers#found}'s; taken: null for one without EXIF. */
    private static FaceAnswer.Faces foundInAnother(String taken) throws FaceAnswer.Malformed {
        FaceAnswer.Faces found = Answers.found(1);
        Map<String, Object> photo = new HashMap<>(Map.of("width", 10, "height", 20));
        if (taken != null) {
            photo.put("taken", taken);
        }
        FaceAnswer.File file = new FaceAnswer.File(77, "image/png", "f".repeat(64));
        return new FaceAnswer.Faces(found.modelId(), found.modelDigest(), found.faces(), photo, file, null);
    }

    @Test
    void theLagIsFromTheSendersTimeToTheIngest() throws Exception {
        long second = 1_000_000_000;
        Map<Object, Long> expected = new HashMap<>();
        expected.put("2026-11-22T15:59:30Z", 30 * second);
        expected.put("2026-11-22T16:59:30.5+01:00", 29_500_000_000L);
        expected.put("2026-11-22", 16 * 3600 * second);
        expected.put("2026-11-22T16:00:10Z", -10 * second);
        expected.put(NOW.toEpochMilli() - 7, 7_000_000L);
        expected.put(String.valueOf(NOW.toEpochMilli() - 7), 7_000_000L);
        for (Map.Entry<Object, Long> sent : expected.entrySet()) {
            source.clear();
            source.put("@timestamp", sent.getKey());
            document.writeFaces(Answers.found(1), null, 1, NOW);
            assertEquals(sent.getValue(), get("event.lag"), sent.getKey()::toString);
            document.writeError("c", "m", null, 1, NOW);
            assertEquals(sent.getValue(), get("event.lag"), sent.getKey()::toString);
        }
    }

    @Test
    void aTimeThatCannotBeReadOrIsTooFarAwayHasNoLag() throws Exception {
        for (Object odd : List.of("yesterday", "", "0001-01-01", "-9223372036854775808", Long.MAX_VALUE, true, List.of(), Map.of("a", 1))) {
            source.clear();
            source.put("@timestamp", odd);
            document.writeFaces(Answers.found(1), null, 1, NOW);
            assertNull(get("event.lag"), odd::toString);
            assertEquals(odd, source.get("@timestamp"));
        }
    }

    @Test
    void aTimeOfTheCamerasOrOfTheIngestHasNoLagHoweverOftenThePhotoIsLookedAt() throws Exception {
        for (FaceAnswer.Faces found : List.of(Answers.found(1), foundInAnother(null))) {
            for (Instant now : List.of(NOW, LATER, LATER.plusSeconds(9))) {
                document.writeFaces(found, null, 1, now);
                assertNull(get("event.lag"));
            }
            source.clear();
        }
        document.writeError("c", "m", null, 1, NOW);
        document.writeError("c", "m", null, 1, LATER);
        assertNull(get("event.lag"));
        document.writeFaces(Answers.found(1), null, 1, LATER);
        document.writeFaces(foundInAnother(null), null, 1, LATER);
        assertNull(get("event.lag"));
    }

    @Test
    void aNewLookAtThePhotoHasANewLagAndAnotherPhotoThatOfItsOwnTime() throws Exception {
        source.put("@timestamp", "2026-11-22T15:59:59Z");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        document.writeFaces(Answers.found(1), null, 1, NOW.plusSeconds(1));
        assertEquals(2_000_000_000L, get("event.lag"));
        source.put("@timestamp", "2026-11-22T16:00:00Z");
        document.writeFaces(foundInAnother(null), null, 1, NOW.plusSeconds(5));
        assertEquals(5_000_000_000L, get("event.lag"));
        source.remove("@timestamp");
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertNull(get("event.lag"));
    }

    @Test
    void aSendersTimeThatIsAlsoTheCamerasStaysWithAnotherPhoto() throws Exception {
        source.put("@timestamp", "2004-05-01T12:00:00");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
    }

    private List<Object> fileAndTime() {
        return Arrays.asList(get("file.size"), get("file.mime_type"), get("file.hash.sha256"), source.get("@timestamp"));
    }

    @Test
    void anotherPhotoBringsItsOwnFileAndTime() throws Exception {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(9, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals(List.of(77, "image/png", "f".repeat(64), "2010-01-01T00:00:00"), fileAndTime());
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals(List.of(9, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
    }

    @Test
    void aTimeOfIngestIsNotThatOfAnotherPhoto() throws Exception {
        document.writeFaces(foundInAnother(null), null, 1, NOW);
        assertEquals("2026-11-22T16:00:00.000Z", source.get("@timestamp"));
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
    }

    @Test
    void theSamePhotoKeepsItsFileAndTime() throws Exception {
        source.put("file", Map.of("size", 7));
        document.writeFaces(foundInAnother(null), null, 1, NOW);
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals(List.of(7, "image/png", "f".repeat(64), "2026-11-22T16:00:00.000Z"), fileAndTime());
    }

    @Test
    void theSendersTimeStaysWithAnotherPhotoButNotTheFormerFile() throws Exception {
        source.put("@timestamp", "1999-01-01");
        source.put("file", Map.of("size", 7, "path", "/a.jpg", "hash", Map.of("md5", "m")));
        source.put("file.mime_type", "image/x-mine");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(7, "image/x-mine", Answers.SHA256, "1999-01-01"), fileAndTime());
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals(List.of(77, "image/png", "f".repeat(64), "1999-01-01"), fileAndTime());
        assertEquals("/a.jpg", get("file.path"));
        assertEquals("m", get("file.hash.md5"));
    }

    @Test
    void whatASenderSendsFirstIsNeverTakenForAnEarlierPhotos() throws Exception {
        source.put("@timestamp", "1999-01-01");
        source.put("event", Map.of("ingested", "1999-01-01", "outcome", "failure"));
        source.put("photo", Map.of("taken", "1999-01-01"));
        source.put("file", Map.of("size", 7, "mime_type", "image/x-mine", "hash", Map.of("sha256", "e".repeat(64))));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(7, "image/x-mine", Answers.SHA256, "1999-01-01"), fileAndTime());
    }

    @Test
    void anUnreadablePhotoLeavesNothingOfTheFileBeforeIt() throws Exception {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        source.put("file.path", "/a.jpg");
        document.writeError("not_an_image", "no", null, 5, LATER);
        assertEquals(Arrays.asList(null, null, null, "2027-01-01T00:00:00.000Z"), fileAndTime());
        assertEquals("/a.jpg", get("file.path"));
    }

    @Test
    void aPhotoThatIsReadAtLastHasItsOwnTimeAndStillTheSendersFile() throws Exception {
        source.put("file", Map.of("size", 7, "hash", Map.of("sha256", "e".repeat(64))));
        document.writeError("internal", "no", null, 5, NOW);
        document.writeError("internal", "no", null, 5, NOW);
        assertEquals(Arrays.asList(7, null, "e".repeat(64), "2026-11-22T16:00:00.000Z"), fileAndTime());
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals(List.of(7, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
    }

    @Test
    void theSendersTimeOutlivesErrors() throws Exception {
        source.put("@timestamp", "1999-01-01");
        document.writeError("internal", "no", null, 5, NOW);
        document.writeFaces(Answers.found(1), null, 1, LATER);
        document.writeError("internal", "no", null, 5, LATER);
        assertEquals("1999-01-01", source.get("@timestamp"));
    }

    @Test
    void whatElseIsBelowPhotoIsTheSendersWhateverTheServiceSays() throws Exception {
        source.put("photo", Map.of("raw", "cGhvdG8=", "width", 1));
        FaceAnswer.Faces found = Answers.found(1);
        Map<String, Object> photo = Map.of("raw", "another", "width", 5);
        document.writeFaces(new FaceAnswer.Faces("m", null, found.faces(), photo, found.file(), null), null, 1, NOW);
        assertEquals(Map.of("raw", "cGhvdG8=", "width", 5), source.get("photo"));
        document.writeError("c", "m", null, 1, NOW);
        assertEquals(Map.of("raw", "cGhvdG8="), source.get("photo"));
    }

    @Test
    void everyFieldThatIsWrittenOrClearedIsKnownAsSuch() throws Exception {
        source.put("image", "cGhvdG8=");
        document.writeFaces(Answers.found(0), null, 1, NOW);
        source.put("error", Map.of("code", "c"));
        source.put("best_quality", 1);
        for (String field : source.keySet()) {
            assertEquals(field.equals("image"), document.writtenAt(field) == null, field);
        }
    }

    @Test
    void anErrorReplacesAllThatDescribedAnotherPhotoAndKeepsTheRest() throws Exception {
        source.put("image", "not a photo");
        source.put("caption", "us");
        source.put("photo", new HashMap<>(Map.of("caption", "at the sea", "width", 1)));
        source.put("event", Map.of("dataset", "holiday"));
        document.writeFaces(Answers.found(0), null, 1, NOW);
        document.writeError("not_an_image", "no", null, 5, NOW);
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
    void aSuccessRemovesAFormerError() throws Exception {
        document.writeError("not_an_image", "no", null, 5, NOW);
        source.put("error.code", "older");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertFalse(source.containsKey("error"));
        assertFalse(source.containsKey("error.code"));
    }

    @Test
    void aDocumentIsKnownByItsFacesAndItsModel() {
        assertEquals(FaceDocument.Known.NOTHING, document.known());
        source.put("faces", List.of());
        assertEquals(FaceDocument.Known.NOTHING, document.known());
        source.put("model.id", "m");
        assertEquals(FaceDocument.Known.FACES, document.known());
        source.put("faces", "many");
        assertEquals(FaceDocument.Known.NOTHING, document.known());
    }

    @Test
    void facesWhoseVectorsWereLeftOutAreToldFromWholeOnes() throws Exception {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertEquals(FaceDocument.Known.FACES, document.known());
        faces().get(1).remove("vector");
        assertEquals(FaceDocument.Known.FACES_WITHOUT_VECTORS, document.known());
        portrait.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(FaceDocument.Known.FACES, portrait.known());
        source.remove("vector");
        assertEquals(FaceDocument.Known.FACES_WITHOUT_VECTORS, portrait.known());
    }

    @Test
    void aPortraitHasItsVectorAtTheTopAndTheRestOfItsFaceBesideIt() throws Exception {
        source.put("person", Map.of("name", "Ann"));
        portrait.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(0.1, 0.2, 0.3, 0.4), source.get("vector"));
        assertEquals("0123456789abcdef-0", get("face.id"));
        assertEquals(0.98, get("face.confidence"));
        assertNull(get("face.vector"));
        assertNull(source.get("faces"));
        assertNull(get("face.label"), "the photo's own person.name says it");
        assertEquals(1, source.get("face_count"));
        assertNull(source.get("unnamed_faces"));
        portrait.writeError("no_face", "none", null, 1, NOW);
        assertNull(source.get("vector"));
        assertNull(source.get("face"));
    }

    @Test
    void whatIsCalledFaceOrVectorInAnArchiveIsTheSenders() throws Exception {
        source.putAll(Map.of("face", "round", "vector", "up"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("round", source.get("face"));
        assertEquals("up", source.get("vector"));
    }

    @Test
    void aTargetTakesAllFieldsAndLeavesTheTopToTheSender() throws Exception {
        source.putAll(Map.of("tags", "mine", "file", "mine", "person", Map.of("name", "Ann"), "portrait.caption", "us"));
        FaceDocument below = new FaceDocument(source, "portrait", false);
        below.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(FaceDocument.Known.FACES, below.known());
        assertEquals(1, get("portrait.face_count"));
        assertEquals(0, get("portrait.unnamed_faces"));
        assertEquals("success", get("portrait.event.outcome"));
        assertEquals(Answers.SHA256, get("portrait.file.hash.sha256"));
        assertEquals("us", get("portrait.caption"));
        assertEquals(Set.of("tags", "file", "person", "portrait.caption", "portrait"), source.keySet());
        below.writeError("c", "m", null, 1, NOW);
        assertEquals("c", get("portrait.error.code"));
        assertNull(get("portrait.faces"));
        assertEquals("mine", source.get("tags"));
    }

    @Test
    void matchesAreWrittenAtTheirFacesAndTheBestOfAllAtTheTop() throws Exception {
        Gallery.Match ann = new Gallery.Match("g1", "Ann", 0.71, 0.98, true, List.of("watch"));
        Gallery.Match bea = new Gallery.Match("g2", null, 0.5, null, false, List.of());
        document.writeFaces(Answers.found(3), List.of(List.of(bea), List.of(), List.of(ann, bea)), 1, NOW);
        assertNull(faces().get(0).get("match"));
        assertEquals(List.of(Map.of("similarity", 0.5, "gallery_id", "g2")), faces().get(0).get("candidates"));
        assertEquals(0.5, faces().get(0).get("best_similarity"));
        assertNull(faces().get(1).get("candidates"));
        assertEquals(
            Map.of("name", "Ann", "similarity", 0.71, "probability", 0.98, "gallery_id", "g1", "tags", List.of("watch")),
            faces().get(2).get("match")
        );
        assertEquals(2, ((List<?>) faces().get(2).get("candidates")).size());
        assertEquals(0.71, source.get("best_similarity"));
        document.writeFaces(Answers.found(3), List.of(List.of(), List.of(), List.of()), 1, NOW);
        assertNull(source.get("best_similarity"));
    }

    @Test
    void whatAPersonSaidAboutAFaceOutlivesANewEmbeddingOfThePhoto() throws Exception {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        // The faces in another order, as another detector may find them; both have the same corner, one is wider.
        faces().get(0).putAll(Map.of("id", "first", "label", Map.of("name", "Ann"), "box", box(10)));
        faces().get(1).putAll(Map.of("id", "second", "not", List.of("Bea"), "box", box(200)));
        FaceAnswer.Faces again = (FaceAnswer.Faces) Answers.parse(Answers.faces(Answers.face(190, 0.5), Answers.face(40, 0.5), Answers.face(11, 0.5)));
        document.writeFaces(again, null, 1, LATER);
        assertEquals(List.of("second", "0123456789abcdef-0", "first"), faces().stream().map(face -> face.get("id")).toList());
        assertEquals(List.of("Bea"), faces().get(0).get("not"));
        assertEquals(Map.of("name", "Ann"), faces().get(2).get("label"));
        document.writeFaces(foundInAnother(null), null, 1, LATER);
        assertNull(faces().get(0).get("label"), "another photo's face is another one");
    }

    private static Map<String, Object> box(int width) {
        return Map.of("x", 1, "y", 2, "width", width, "height", 10);
    }
}
