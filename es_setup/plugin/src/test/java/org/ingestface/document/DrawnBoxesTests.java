package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.rest.RestStatus;
import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.rights.FaceRights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faces whose boxes people drew, in the same photo again and among what people say. */
class DrawnBoxesTests extends FaceDocumentTestCase {

    private static final Map<String, Integer> BOX = Map.of("x", 200, "y", 100, "width", 50, "height", 60);
    private static final Map<String, Object> ANN = Map.of("name", "Ann");

    /** One face that the service finds, and one that a person drew. */
    private static FaceAnswer.Faces foundAndDrawn() {
        return Answers.found(Answers.face(10, 0.5), Answers.drawn(200, 100, 50, 60));
    }

    private static Map<String, Object> drawn(Object box) {
        return new HashMap<>(Map.of("drawn", true, "box", box));
    }

    @Test
    void aDrawnFaceIsAFaceOfTheDocumentAndNotOneThatWasFound() {
        document.writeFaces(foundAndDrawn(), null, 1, NOW);
        assertEquals(2, source.get("face_count"));
        assertEquals(1, get("photo.faces_found"));
        assertEquals(2, source.get("unnamed_faces"));
        assertEquals(true, faces().get(1).get("drawn"));
        assertFalse(faces().get(0).containsKey("drawn"));
        assertEquals(List.of(BOX), document.drawnBoxes());
    }

    @Test
    void inThePhotoAgainItKeepsItsIdAndWhatPeopleSaid() {
        document.writeFaces(foundAndDrawn(), null, 1, NOW);
        Object id = faces().get(1).get("id");
        faces().get(1).put("label", ANN);
        document.writeFaces(foundAndDrawn(), null, 1, LATER);
        assertEquals(id, faces().get(1).get("id"));
        assertEquals(ANN, faces().get(1).get("label"));
        document.writeFaces(Answers.found(1), null, 1, LATER);
        assertEquals(1, source.get("face_count"));
        assertFalse(faces().get(0).containsKey("label"));
        assertEquals(1, ((List<?>) source.get("unplaced")).size());
    }

    @Test
    void thePhotosNameIsOfTheFaceThatWasFound() {
        source.put("person", ANN);
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().add(new HashMap<>(foundAndDrawn().faces().get(1).fields()));
        document.followEdits();
        assertEquals(ANN, faces().get(0).get("label"));
        assertFalse(faces().get(1).containsKey("label"));
        assertEquals(1, source.get("unnamed_faces"));
        document.writeFaces(foundAndDrawn(), null, 1, LATER);
        assertEquals(ANN, faces().get(0).get("label"));
        assertFalse(faces().get(1).containsKey("label"));
    }

    @Test
    void thePhotosNameIsNotOfADrawnFaceThatIsLeft() {
        document.writeFaces(foundAndDrawn(), null, 1, NOW);
        faces().remove(0);
        source.put("person", ANN);
        document.followEdits();
        assertFalse(faces().get(0).containsKey("label"));
        assertEquals(1, source.get("unnamed_faces"));
        source.clear();
        source.put("person", ANN);
        document.writeFaces(Answers.found(Answers.drawn(200, 100, 50, 60)), null, 1, NOW);
        assertFalse(faces().get(0).containsKey("label"));
        assertEquals(0, get("photo.faces_found"));
        assertNull(source.get("tags"));
    }

    static Stream<Object> boxesThatNobodyDraws() {
        return Stream.of(
            Map.of(),
            "200,100,50,60",
            Map.of("x", 200, "y", 100, "width", 50),
            Map.of("x", 200.5, "y", 100, "width", 50, "height", 60),
            Map.of("x", Double.NaN, "y", 100, "width", 50, "height", 60),
            Map.of("x", -1, "y", 100, "width", 50, "height", 60),
            Map.of("x", 260, "y", 100, "width", 50, "height", 60),
            Map.of("x", Integer.MAX_VALUE, "y", 100, "width", Integer.MAX_VALUE, "height", 60),
            Map.of("x", 200, "y", 200, "width", 50, "height", 60),
            Map.of("x", 200, "y", 100, "width", 7, "height", 60),
            Map.of("x", 200, "y", 100, "width", 50, "height", -60)
        );
    }

    @ParameterizedTest
    @MethodSource("boxesThatNobodyDraws")
    void aBoxThatTheServiceWouldRefuseIsNotSent(Object box) {
        assertEquals(List.of(BOX), DrawnBoxes.of(List.of(drawn(box), drawn(BOX)), 300, 237));
    }

    @Test
    void noMoreBoxesAreSentThanTheServiceTakes() {
        assertEquals(20, DrawnBoxes.of(Collections.nCopies(10_000, drawn(BOX)), 300, 237).size());
    }

    @Test
    void onlyDrawnFacesOfAPhotoOfKnownSizeHaveBoxesToSend() {
        assertEquals(List.of(), DrawnBoxes.of(List.of(Map.of("box", BOX), Map.of("drawn", "yes", "box", BOX)), 300, 237));
        assertEquals(List.of(), DrawnBoxes.of(List.of(drawn(BOX)), null, null));
        assertEquals(List.of(), DrawnBoxes.of(null, 300, 237));
        assertEquals(List.of(), portrait.drawnBoxes());
    }

    /** What is sent if the answer to "may the caller write faces?" is this failure; null if the caller may. */
    private static Object sent(List<Map<String, Integer>> boxes, Exception failure, List<String> asked) {
        FaceRights rights = (index, fields, listener) -> {
            asked.addAll(fields);
            if (failure == null) {
                listener.onResponse(null);
            } else {
                listener.onFailure(failure);
            }
        };
        AtomicReference<Object> sent = new AtomicReference<>();
        DrawnBoxes.allowed(boxes, rights, "faces-1", "faces", ActionListener.wrap(sent::set, sent::set));
        return sent.get();
    }

    @Test
    void whoMayNotWriteFacesDrawsNone() {
        Exception forbidden = new ElasticsearchSecurityException("no", RestStatus.FORBIDDEN);
        Exception broken = new IllegalStateException("away");
        List<String> asked = new ArrayList<>();
        assertEquals(List.of(BOX), sent(List.of(BOX), null, asked));
        assertEquals(List.of(), sent(List.of(BOX), forbidden, asked));
        assertEquals(broken, sent(List.of(BOX), broken, asked));
        assertEquals(List.of("faces", "faces", "faces"), asked);
        assertEquals(List.of(), sent(List.of(), forbidden, asked));
        assertEquals(3, asked.size(), "without boxes nothing is asked");
    }
}
