package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.search.Gallery;
import org.junit.jupiter.api.Test;

/** Names, decisions and candidates of the faces. */
class FaceEntriesTests extends FaceDocumentTestCase {

    @Test
    void aNameLabelsOnlyAFaceThatIsAlone() {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertTrue(faces().stream().noneMatch(face -> face.containsKey("label")));
    }

    @Test
    void aLaterNameLabelsOnlyAFaceThatIsAloneAndHasNoLabel() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        source.put("person", Map.of("name", "Ann"));
        document.followEdits();
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        source.put("person", Map.of("name", "Bea"));
        document.followEdits();
        assertEquals(Map.of("name", "Ann"), faces().get(0).get("label"));
        source.clear();
        document.writeFaces(Answers.found(2), null, 1, NOW);
        source.put("person", Map.of("name", "Ann"));
        document.followEdits();
        assertTrue(faces().stream().noneMatch(face -> face.containsKey("label")));
    }

    private Object unnamedFaces() {
        document.followEdits();
        return source.get("unnamed_faces");
    }

    @Test
    void aFaceIsUnnamedWhileItHasNoLabel() {
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
        document.writeError(error("c", "m"), null, 1, NOW);
        assertNull(unnamedFaces(), "the number is unknown");
    }

    @Test
    void thePhotosNameCountsOnlyForAFaceThatIsAlone() {
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
    void theNameOfAPhotoOfTwoDoesNotNameTheOneThatIsLeft() {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        faces().remove(1);
        document.followEdits();
        assertEquals(1, source.get("face_count"));
        assertEquals(1, source.get("unnamed_faces"));
        assertEquals(0.5, source.get("best_quality"));
        assertEquals(2, get("photo.faces_found"));
        assertFalse(faces().get(0).containsKey("label"));
        faces().get(0).put("label", Map.of("name", "Ann"));
        assertEquals(0, unnamedFaces());
    }

    @Test
    void aDocumentFromBeforeFoundAsManyFacesAsItsCountSays() {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        source.remove("photo");
        faces().remove(0);
        document.followEdits();
        document.followEdits();
        assertEquals(2, get("photo.faces_found"));
        assertEquals(1, source.get("unnamed_faces"));
    }

    @Test
    void anEntryThatAPersonAddsIsCountedAndThePhotosNameSaysNoLongerWhoseFaceItIs() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().add(new HashMap<>(Map.of("vector", List.of(1.0), "quality", Map.of("score", 0.9))));
        source.put("person", Map.of("name", "Ann"));
        document.followEdits();
        assertEquals(2, source.get("face_count"));
        assertEquals(2, source.get("unnamed_faces"));
        assertEquals(0.9, source.get("best_quality"));
        assertEquals(1, get("photo.faces_found"));
    }

    @Test
    void theTagFollowsWhenTheLastEntryIsRemovedOrAFirstOneAdded() {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        List<Map<String, Object>> all = faces();
        source.put("tags", "mine");
        source.put("faces", List.of());
        document.followEdits();
        assertEquals(List.of("mine", "no_face"), source.get("tags"));
        assertEquals(0, source.get("face_count"));
        assertEquals(0, source.get("unnamed_faces"));
        assertFalse(source.containsKey("best_quality"));
        source.put("tags", "mine");
        document.followEdits();
        assertEquals("mine", source.get("tags"), "a tag that a person removed");
        source.put("tags", List.of("mine", "no_face"));
        source.put("faces", all);
        document.followEdits();
        assertEquals(List.of("mine"), source.get("tags"));
        assertEquals(0.6, source.get("best_quality"));
    }

    @Test
    void aFaceWithCandidatesIsUndecidedUntilAPersonLabelsOrRejectsIt() {
        document.writeFaces(Answers.found(3), null, 1, NOW);
        assertFalse(source.containsKey("undecided_faces"));
        Gallery.Candidate ann = new Gallery.Candidate("g1", "Ann", 0.5, null, false, List.of());
        document.writeFaces(Answers.found(3), List.of(List.of(ann), List.of(ann), List.of()), 1, NOW);
        assertEquals(2, source.get("undecided_faces"));
        faces().get(0).put("not", "Ann");
        document.followEdits();
        assertEquals(1, source.get("undecided_faces"));
        faces().get(1).put("label", "Ann");
        document.followEdits();
        assertEquals(0, source.get("undecided_faces"));
        faces().get(0).put("not", List.of(""));
        document.followEdits();
        assertEquals(1, source.get("undecided_faces"));
        faces().get(0).put("ignored", true);
        document.followEdits();
        assertEquals(0, source.get("undecided_faces"));
        faces().get(0).put("ignored", false);
        document.followEdits();
        assertEquals(1, source.get("undecided_faces"));
    }

    @Test
    void anIgnoredFaceIsNeitherNamedNorUnnamed() {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        faces().get(0).put("ignored", true);
        assertEquals(1, unnamedFaces());
        faces().get(1).put("label", "Ann");
        assertEquals(0, unnamedFaces());
        faces().get(0).remove("ignored");
        assertEquals(1, unnamedFaces());
    }

    @Test
    void theBestSimilarityFollowsTheEntriesThatAreLeft() {
        Gallery.Candidate ann = new Gallery.Candidate("g1", "Ann", 0.71, null, true, List.of());
        Gallery.Candidate bea = new Gallery.Candidate("g2", null, 0.5, null, false, List.of());
        document.writeFaces(Answers.found(2), List.of(List.of(ann), List.of(bea)), 1, NOW);
        faces().remove(0);
        document.followEdits();
        assertEquals(0.5, source.get("best_similarity"));
        faces().clear();
        document.followEdits();
        assertNull(source.get("best_similarity"));
    }

    @Test
    void aLabelThatIsNotThePhotosNameStaysIfAnotherFaceIsFound() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().get(0).put("label", Map.of("customer", 7));
        document.writeFaces(Answers.found(2), null, 1, NOW);
        assertEquals(Map.of("customer", 7), faces().get(0).get("label"));
    }

    @Test
    void candidatesAreWrittenToTheirFacesAndTheBestSimilarityToTheTop() {
        Gallery.Candidate ann = new Gallery.Candidate("g1", "Ann", 0.71, 0.98, true, List.of("watch"));
        Gallery.Candidate bea = new Gallery.Candidate("g2", null, 0.5, null, false, List.of());
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
    void decisionsAboutAFaceSurviveANewEmbeddingOfThePhoto() {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        // Another detector may find the faces in another order. Both have the same corner, but one is wider.
        faces().get(0).putAll(Map.of("id", "0123456789abcdef-7", "label", Map.of("name", "Ann"), "box", box(10)));
        faces().get(1).putAll(Map.of("id", "0123456789abcdef-8", "not", List.of("Bea"), "box", box(200)));
        FaceAnswer.Faces again = Answers.found(Answers.face(190, 0.5), Answers.face(40, 0.5), Answers.face(11, 0.5));
        document.writeFaces(again, null, 1, LATER);
        assertEquals(
            List.of("0123456789abcdef-8", "0123456789abcdef-0", "0123456789abcdef-7"),
            faces().stream().map(face -> face.get("id")).toList()
        );
        assertEquals(List.of("Bea"), faces().get(0).get("not"));
        assertEquals(Map.of("name", "Ann"), faces().get(2).get("label"));
    }

    @Test
    void anIdThatNoRunOnThisPhotoGaveIsNotKept() {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().get(0).put("id", "of somebody else's photo");
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals("0123456789abcdef-0", faces().get(0).get("id"));
    }

    private static Map<String, Object> box(int width) {
        return Map.of("x", 1, "y", 2, "width", width, "height", 10);
    }
}
