package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;
import org.junit.jupiter.api.Test;

/** The times of a document and the facts of its file, when the same or another photo is processed. */
class FaceDocumentTimesTests extends FaceDocumentTestCase {

    @Test
    void theTimeIsTheSendersElseThePhotosElseNow() {
        document.writeError(error("c", "m"), null, 1, NOW);
        assertEquals("2026-11-22T16:00:00.000Z", source.get("@timestamp"));
        source.remove("@timestamp");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
        source.put("@timestamp", "1999-01-01");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("1999-01-01", source.get("@timestamp"));
    }

    @Test
    void theLagIsFromTheSendersTimeToTheIngest() {
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
            document.writeError(error("c", "m"), null, 1, NOW);
            assertEquals(sent.getValue(), get("event.lag"), sent.getKey()::toString);
        }
    }

    @Test
    void aTimeThatCannotBeReadOrIsTooFarAwayHasNoLag() {
        for (Object odd : List.of("yesterday", "", "0001-01-01", "-9223372036854775808", Long.MAX_VALUE, true, List.of(), Map.of("a", 1))) {
            source.clear();
            source.put("@timestamp", odd);
            document.writeFaces(Answers.found(1), null, 1, NOW);
            assertNull(get("event.lag"), odd::toString);
            assertEquals(odd, source.get("@timestamp"));
        }
    }

    @Test
    void theTimeOfTheCameraOrOfTheIngestHasNoLagHoweverOftenThePhotoIsProcessed() {
        for (FaceAnswer.Faces found : List.of(Answers.found(1), foundInAnother(null))) {
            for (Instant now : List.of(NOW, LATER, LATER.plusSeconds(9))) {
                document.writeFaces(found, null, 1, now);
                assertNull(get("event.lag"));
            }
            source.clear();
        }
        document.writeError(error("c", "m"), null, 1, NOW);
        document.writeError(error("c", "m"), null, 1, LATER);
        assertNull(get("event.lag"));
        document.writeFaces(Answers.found(1), null, 1, LATER);
        document.writeFaces(foundInAnother(null), null, 1, LATER);
        assertNull(get("event.lag"));
    }

    @Test
    void aPhotoProcessedAgainHasANewLagAndAnotherPhotoTheLagOfItsOwnTime() {
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
    void aSendersTimeThatEqualsTheCamerasStaysWithAnotherPhoto() {
        source.put("@timestamp", "2004-05-01T12:00:00");
        document.writeFaces(Answers.found(1), null, 1, NOW);
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
    }

    private List<Object> fileAndTime() {
        return Arrays.asList(get("file.size"), get("file.mime_type"), get("file.hash.sha256"), source.get("@timestamp"));
    }

    @Test
    void anotherPhotoBringsItsOwnFileAndTime() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(9, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals(List.of(77, "image/png", "f".repeat(64), "2010-01-01T00:00:00"), fileAndTime());
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals(List.of(9, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
    }

    @Test
    void theTimeOfTheIngestIsNotKeptForAnotherPhoto() {
        document.writeFaces(foundInAnother(null), null, 1, NOW);
        assertEquals("2026-11-22T16:00:00.000Z", source.get("@timestamp"));
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals("2004-05-01T12:00:00", source.get("@timestamp"));
    }

    @Test
    void theSamePhotoKeepsItsFileAndTime() {
        source.put("file", Map.of("size", 7));
        document.writeFaces(foundInAnother(null), null, 1, NOW);
        document.writeFaces(foundInAnother("2010-01-01T00:00:00"), null, 1, LATER);
        assertEquals(List.of(7, "image/png", "f".repeat(64), "2026-11-22T16:00:00.000Z"), fileAndTime());
    }

    @Test
    void withAnotherPhotoTheSendersTimeStaysButNotTheFile() {
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
    void fieldsOfANewDocumentAreNotTakenForThoseOfAnEarlierRun() {
        source.put("@timestamp", "1999-01-01");
        source.put("event", Map.of("ingested", "1999-01-01", "outcome", "failure"));
        source.put("photo", Map.of("taken", "1999-01-01"));
        source.put("file", Map.of("size", 7, "mime_type", "image/x-mine", "hash", Map.of("sha256", "e".repeat(64))));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(7, "image/x-mine", Answers.SHA256, "1999-01-01"), fileAndTime());
    }

    @Test
    void anUnreadablePhotoRemovesTheFileOfTheEarlierPhoto() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        source.put("file.path", "/a.jpg");
        document.writeError(error("not_an_image", "no"), null, 5, LATER);
        assertEquals(Arrays.asList(null, null, null, "2027-01-01T00:00:00.000Z"), fileAndTime());
        assertEquals("/a.jpg", get("file.path"));
    }

    @Test
    void aPhotoReadAfterErrorsGetsItsOwnTimeAndKeepsTheSendersFile() {
        source.put("file", Map.of("size", 7, "hash", Map.of("sha256", "e".repeat(64))));
        document.writeError(error("internal", "no"), null, 5, NOW);
        document.writeError(error("internal", "no"), null, 5, NOW);
        // Nobody has seen that photo yet.
        assertEquals(Arrays.asList(7, null, null, "2026-11-22T16:00:00.000Z"), fileAndTime());
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals(List.of(7, "image/jpeg", Answers.SHA256, "2004-05-01T12:00:00"), fileAndTime());
    }

    @Test
    void theSendersTimeSurvivesErrors() {
        source.put("@timestamp", "1999-01-01");
        document.writeError(error("internal", "no"), null, 5, NOW);
        document.writeFaces(Answers.found(1), null, 1, LATER);
        document.writeError(error("internal", "no"), null, 5, LATER);
        assertEquals("1999-01-01", source.get("@timestamp"));
    }
}
