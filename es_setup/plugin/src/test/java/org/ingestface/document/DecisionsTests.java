package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;
import org.junit.jupiter.api.Test;

/** What people said about faces, when the document gets another photo, or an error instead of one. */
class DecisionsTests extends FaceDocumentTestCase {

    private static final Map<String, Object> ANN = Map.of("name", "Ann");

    /** The answer for a photo with other bytes and {@code scale} times the size of that of {@link Answers#found(int)}. */
    private static FaceAnswer.Faces another(int scale, Map<?, ?>... boxes) {
        List<FaceAnswer.Face> faces = new ArrayList<>();
        for (Map<?, ?> box : boxes) {
            faces.add(new FaceAnswer.Face(new float[] { 1 }, 1, Map.of("vector", List.of(1.0), "box", box)));
        }
        Map<String, Object> photo = Map.of("width", 300 * scale, "height", 237 * scale);
        FaceAnswer.Model model = new FaceAnswer.Model("m", null, null);
        return new FaceAnswer.Faces(model, faces, photo, new FaceAnswer.File(7, "image/png", "f".repeat(64)), null);
    }

    private static Map<String, Object> box(int x, int y, int width, int height) {
        return Map.of("x", x, "y", y, "width", width, "height", height);
    }

    @SuppressWarnings("unchecked")
    private List<Map<String, Object>> unplaced() {
        return (List<Map<String, Object>>) source.get("unplaced");
    }

    /** Two faces: the left one is Ann, the right one is not Bea. */
    private void writeTwoFaces() {
        document.writeFaces(Answers.found(2), null, 1, NOW);
        faces().get(0).putAll(Map.of("label", ANN, "box", box(0, 0, 40, 40), "mine", 7));
        faces().get(1).putAll(Map.of("not", List.of("Bea"), "box", box(200, 100, 50, 50)));
    }

    @Test
    void aFaceAtTheSamePlaceOfAnotherPhotoKeepsWhatPeopleSaidAndGetsANewId() {
        writeTwoFaces();
        document.writeFaces(another(2, box(402, 202, 100, 100), box(10, 0, 80, 80)), null, 1, LATER);
        assertEquals(List.of("f".repeat(16) + "-0", "f".repeat(16) + "-1"), faces().stream().map(face -> face.get("id")).toList());
        assertEquals(List.of("Bea"), faces().get(0).get("not"));
        assertEquals(ANN, faces().get(1).get("label"));
        assertEquals(7, faces().get(1).get("mine"));
        assertEquals(1, source.get("unnamed_faces"));
        assertNull(unplaced());
    }

    @Test
    void whatFindsNoPlaceWaitsForAPhotoWithAFaceThere() {
        writeTwoFaces();
        document.writeFaces(another(1, box(205, 100, 50, 50)), null, 1, LATER);
        assertEquals(List.of("Bea"), faces().get(0).get("not"));
        Map<String, Object> relative = Map.of("x", 0.0, "y", 0.0, "width", 0.133333, "height", 0.168776);
        assertEquals(List.of(Map.of("id", "0123456789abcdef-0", "box", relative, "label", ANN, "mine", 7)), unplaced());
        document.writeFaces(another(3, box(0, 0, 120, 120)), null, 1, LATER);
        assertEquals(ANN, faces().get(0).get("label"));
        assertEquals(List.of("Bea"), unplaced().get(0).get("not"));
        assertEquals(1, unplaced().size());
        document.writeFaces(another(1, box(0, 0, 40, 40), box(200, 100, 50, 50)), null, 1, LATER);
        assertFalse(source.containsKey("unplaced"));
        assertEquals(ANN, faces().get(0).get("label"));
        assertEquals(List.of("Bea"), faces().get(1).get("not"));
    }

    @Test
    void anErrorAndAPhotoWithoutFacesLoseNothing() {
        writeTwoFaces();
        document.writeError(error("not_an_image", "no"), null, 1, NOW);
        assertEquals(2, unplaced().size());
        document.writeError(error("unavailable", "no"), null, 1, NOW);
        document.writeFaces(another(1), null, 1, NOW);
        assertEquals(List.of("no_face"), source.get("tags"));
        assertEquals(2, unplaced().size());
        document.writeFaces(another(1, box(0, 0, 40, 40), box(200, 100, 50, 50)), null, 1, NOW);
        assertEquals(ANN, faces().get(0).get("label"));
        assertEquals(7, faces().get(0).get("mine"));
        assertEquals(List.of("Bea"), faces().get(1).get("not"));
        assertFalse(source.containsKey("unplaced"));
    }

    @Test
    void anIgnoredFaceStaysIgnoredOrWaits() {
        writeTwoFaces();
        faces().get(0).remove("label");
        faces().get(0).put("ignored", true);
        document.writeFaces(another(2, box(10, 0, 80, 80)), null, 1, LATER);
        assertEquals(true, faces().get(0).get("ignored"));
        assertEquals(0, source.get("unnamed_faces"));
        document.writeError(error("not_an_image", "no"), null, 1, LATER);
        assertTrue(unplaced().stream().anyMatch(waiting -> Boolean.TRUE.equals(waiting.get("ignored"))));
        document.writeFaces(another(1, box(0, 0, 40, 40)), null, 1, LATER);
        assertEquals(true, faces().get(0).get("ignored"));
        assertEquals(0, source.get("unnamed_faces"));
        document.writeFaces(another(1, box(0, 0, 40, 40), box(200, 100, 50, 50)), null, 1, LATER);
        assertFalse(source.containsKey("unplaced"));
        assertEquals(1, source.get("unnamed_faces"));
    }

    @Test
    void theSamePhotoInWhichAFaceIsNotFoundAgainLosesNothing() {
        writeTwoFaces();
        document.writeFaces(Answers.found(0), null, 1, NOW);
        assertEquals(List.of(ANN), unplaced().stream().map(face -> face.get("label")).filter(Objects::nonNull).toList());
        assertEquals(2, unplaced().size());
    }

    @Test
    void aFaceThatHasItsOwnDecisionLeavesTheOtherUnplaced() {
        source.put("unplaced", Map.of("box", Map.of("x", 0.0, "y", 0.0, "width", 0.5, "height", 0.5), "label", "Cara"));
        document.writeFaces(another(1, box(0, 0, 150, 118)), null, 1, NOW);
        assertEquals(Map.of("name", "Cara"), faces().get(0).get("label"));
        source.put("unplaced", List.of(Map.of("box", Map.of("x", 0.0, "y", 0.0, "width", 0.5, "height", 0.5), "label", ANN)));
        document.writeFaces(another(2, box(0, 0, 300, 236)), null, 1, NOW);
        assertEquals(Map.of("name", "Cara"), faces().get(0).get("label"));
        assertEquals(ANN, unplaced().get(0).get("label"));
    }

    @Test
    void theNearestFaceGetsTheDecision() {
        writeTwoFaces();
        document.writeFaces(another(1, box(8, 0, 40, 40), box(1, 0, 40, 40)), null, 1, NOW);
        assertNull(faces().get(0).get("label"));
        assertEquals(ANN, faces().get(1).get("label"));
    }

    @Test
    void thePhotosOwnNameIsNotADecisionAboutAFace() {
        source.put("person", Map.of("name", "Ann"));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(ANN, faces().get(0).get("label"));
        document.writeFaces(another(1, box(200, 100, 50, 50), box(1, 2, 10, 10)), null, 1, NOW);
        assertNull(faces().get(0).get("label"));
        assertNull(faces().get(1).get("label"));
        assertNull(unplaced());
        assertEquals(ANN, source.get("person"));
    }

    @Test
    void aPortraitKeepsWhatPeopleSaidToo() {
        portrait.writeFaces(another(1, box(100, 100, 50, 50)), null, 1, NOW);
        @SuppressWarnings("unchecked")
        Map<String, Object> face = new HashMap<>((Map<String, Object>) source.get("face"));
        face.put("not", "Bea");
        source.put("face", face);
        portrait.followEdits();
        assertEquals(List.of("Bea"), get("face.not"));
        portrait.writeFaces(another(2, box(200, 200, 100, 100)), null, 1, NOW);
        assertEquals(List.of("Bea"), get("face.not"));
        portrait.writeError(error("several_faces", "two"), null, 1, NOW);
        assertEquals(List.of("Bea"), unplaced().get(0).get("not"));
        portrait.writeFaces(another(1, box(100, 100, 50, 50)), null, 1, NOW);
        assertEquals(List.of("Bea"), get("face.not"));
        assertNull(unplaced());
    }

    @Test
    void withATargetAllOfItLiesBelowIt() {
        FaceDocument below = new FaceDocument(source, "portrait", false);
        below.writeFaces(another(1, box(0, 0, 50, 50)), null, 1, NOW);
        @SuppressWarnings("unchecked")
        List<Map<String, Object>> entries = (List<Map<String, Object>>) get("portrait.faces");
        entries.get(0).put("label", ANN);
        below.writeError(error("not_an_image", "no"), null, 1, NOW);
        assertEquals(1, ((List<?>) get("portrait.unplaced")).size());
        assertNull(unplaced());
    }
}
