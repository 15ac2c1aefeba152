package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.ingestface.endpoint.Answers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One notion of a name, in person.name, label and number of unnamed faces. */
class NameFieldsTests extends FaceDocumentTestCase {

    private static final Map<String, Object> ZOE = Map.of("name", "Zoe");

    static Stream<Arguments> oneName() {
        return Stream.of(
            Arguments.of(Map.of("person", Map.of("name", "Zoe")), "Zoe"),
            Arguments.of(Map.of("person", Map.of("name", " Zoe\n")), "Zoe"),
            Arguments.of(Map.of("person", Map.of("name", List.of("Zoe"))), "Zoe"),
            Arguments.of(Map.of("person", Map.of("name", Arrays.asList("Zoe", "", null, " Zoe"))), "Zoe"),
            Arguments.of(Map.of("person", List.of(Map.of("name", "Zoe"))), "Zoe"),
            Arguments.of(Map.of("person.name", "Zoe"), "Zoe"),
            Arguments.of(Map.of("person.name", List.of("Zoe")), "Zoe"),
            Arguments.of(Map.of("person", Map.of("name", 4711)), "4711"),
            Arguments.of(Map.of("person", Map.of("name", true)), "true"),
            Arguments.of(Map.of("person", Map.of("name", "Zoe\u0308")), "Zo\u00eb")
        );
    }

    @ParameterizedTest
    @MethodSource("oneName")
    void aNameOfAnyShapeNamesThePhotoAndItsLoneFace(Map<String, Object> sent, String name) {
        source.putAll(sent);
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(name, get("person.name"));
        assertEquals(Map.of("name", name), faces().get(0).get("label"));
        assertEquals(0, source.get("unnamed_faces"));
        source.putAll(sent);
        document.followEdits();
        assertEquals(name, get("person.name"));
        portrait.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(name, get("person.name"));
    }

    static Stream<Map<String, Object>> noName() {
        return Stream.of(
            Map.of("person", Map.of("name", "")),
            Map.of("person", Map.of("name", " \t")),
            Map.of("person", Map.of("name", List.of())),
            Map.of("person", Map.of("name", List.of("", " "))),
            Map.of("person", List.of(Map.of("name", ""))),
            Map.of("person.name", ""),
            Map.of("person", Collections.singletonMap("name", null))
        );
    }

    @ParameterizedTest
    @MethodSource("noName")
    void aBlankIsNoName(Map<String, Object> sent) {
        source.putAll(sent);
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertNull(get("person.name"));
        assertFalse(faces().get(0).containsKey("label"));
        assertEquals(1, source.get("unnamed_faces"));
    }

    static Stream<Map<String, Object>> severalNames() {
        return Stream.of(
            Map.of("person", Map.of("name", List.of("Zoe", " Ann"))),
            Map.of("person", List.of(Map.of("name", "Zoe"), Map.of("name", "Ann "))),
            Map.of("person", Map.of("name", "Zoe"), "person.name", "Ann")
        );
    }

    @ParameterizedTest
    @MethodSource("severalNames")
    void severalNamesDoNotSayWhomAFaceShows(Map<String, Object> sent) {
        source.putAll(sent);
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertFalse(faces().get(0).containsKey("label"));
        assertEquals(1, source.get("unnamed_faces"));
        assertEquals(NameFields.person(source), null);
    }

    @Test
    void theOtherFieldsOfAPersonStay() {
        source.put("person", Map.of("name", "", "id", 7));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(Map.of("id", 7), source.get("person"));
        source.put("person", List.of(Map.of("name", List.of(" Zoe"), "id", 7), Map.of("id", 8)));
        document.followEdits();
        assertEquals(List.of(Map.of("name", "Zoe", "id", 7), Map.of("id", 8)), source.get("person"));
        assertEquals(ZOE, faces().get(0).get("label"));
        source.put("person", "a field of another kind");
        document.followEdits();
        assertEquals("a field of another kind", source.get("person"));
    }

    @Test
    void whatIsNoNameButAnObjectIsLeftToTheMapping() {
        source.put("person", Map.of("name", List.of(Map.of("first", "Zoe"))));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals(List.of(Map.of("first", "Zoe")), get("person.name"));
        assertEquals(1, source.get("unnamed_faces"));
    }

    static Stream<Arguments> labels() {
        return Stream.of(
            Arguments.of("Zoe", ZOE, 0),
            Arguments.of(List.of("Zoe"), ZOE, 0),
            Arguments.of(List.of(ZOE), ZOE, 0),
            Arguments.of(Map.of("name", List.of(" Zoe")), ZOE, 0),
            Arguments.of(4711, Map.of("name", "4711"), 0),
            Arguments.of(Map.of("name", 4711, "by", "me"), Map.of("name", "4711", "by", "me"), 0),
            Arguments.of("", null, 1),
            Arguments.of(List.of(), null, 1),
            Arguments.of(Map.of("name", " "), null, 1),
            Arguments.of(Map.of("name", "", "by", "me"), Map.of("by", "me"), 1),
            Arguments.of(null, null, 1),
            Arguments.of(List.of("Zoe", "Ann"), Map.of("name", List.of("Zoe", "Ann")), 1)
        );
    }

    @ParameterizedTest
    @MethodSource("labels")
    void aLabelOfAnyShapeIsStoredInOneForm(Object sent, Object stored, int unnamed) {
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().get(0).put("label", sent);
        document.followEdits();
        assertEquals(stored, faces().get(0).get("label"));
        assertEquals(unnamed, source.get("unnamed_faces"));
    }

    @Test
    void theNamesThatAFaceIsNotAreAnArray() {
        Map<Object, Object> shapes = new HashMap<>();
        shapes.put("Zoe\u0308 ", List.of("Zo\u00eb"));
        shapes.put(List.of("Zoe", "", 5, "Zoe"), List.of("Zoe", "5"));
        shapes.put("", null);
        shapes.put(List.of(), null);
        for (Map.Entry<Object, Object> shape : shapes.entrySet()) {
            document.writeFaces(Answers.found(2), null, 1, NOW);
            faces().get(1).put("not", shape.getKey());
            document.followEdits();
            assertEquals(shape.getValue(), faces().get(1).get("not"));
        }
    }

    @Test
    void anIgnoredFaceIsTrueOrNothing() {
        for (Object sent : Arrays.asList(true, "true", List.of(true), false, "false", "", List.of(), null, 1, Map.of())) {
            document.writeFaces(Answers.found(2), null, 1, NOW);
            faces().get(1).put("ignored", sent);
            document.followEdits();
            boolean isIgnored = sent != null && sent.toString().contains("true");
            assertEquals(isIgnored ? true : null, faces().get(1).get("ignored"), String.valueOf(sent));
            assertEquals(isIgnored ? 1 : 2, source.get("unnamed_faces"));
        }
    }

    @Test
    void aFaceThatIsNamedOrIgnoredLeavesItsGroup() {
        document.writeFaces(Answers.found(3), null, 1, NOW);
        faces().forEach(face -> face.put("group", "g2k7ha"));
        faces().get(0).put("label", ZOE);
        faces().get(1).put("ignored", true);
        document.followEdits();
        assertEquals(Arrays.asList(null, null, "g2k7ha"), faces().stream().map(face -> face.get("group")).toList());
    }

    @Test
    void anObjectLabelWithoutANameGetsThePhotosName() {
        source.put("person", ZOE);
        document.writeFaces(Answers.found(1), null, 1, NOW);
        faces().get(0).put("label", Map.of("by", "me"));
        document.followEdits();
        assertEquals(Map.of("by", "me", "name", "Zoe"), faces().get(0).get("label"));
    }

    @Test
    void pathAndNameOfAFileAreStoredInNfcAndKeepTheirBlanks() {
        source.put("file", Map.of("path", "Zoe\u0308/a .jpg", "name", List.of("Zoe\u0308 ", "b")));
        document.writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("Zo\u00eb/a .jpg", get("file.path"));
        assertEquals(List.of("Zo\u00eb ", "b"), get("file.name"));
        source.put("file.path", "Zoe\u0308");
        new FaceDocument(source, "portrait", false).writeFaces(Answers.found(1), null, 1, NOW);
        assertEquals("Zoe\u0308", source.get("file.path"), "a field of the sender's own");
    }
}
