package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

class DottedPathsTests {

    @Test
    void aValueIsFoundHoweverItsPathIsSpelled() {
        assertEquals(1, DottedPaths.get(Map.of("file", Map.of("hash", Map.of("sha256", 1))), "file.hash.sha256"));
        assertEquals(1, DottedPaths.get(Map.of("file.hash.sha256", 1), "file.hash.sha256"));
        assertEquals(1, DottedPaths.get(Map.of("file", Map.of("hash.sha256", 1)), "file.hash.sha256"));
        assertEquals(1, DottedPaths.get(Map.of("file.hash", Map.of("sha256", 1)), "file.hash.sha256"));
        assertNull(DottedPaths.get(Map.of("file", "a.jpg"), "file.hash.sha256"));
    }

    @Test
    void removingTakesAllSpellingsAndLeavesNoEmptyObjects() {
        Map<String, Object> source = new HashMap<>(Map.of("file", Map.of("hash", Map.of("sha256", 1)), "file.hash.sha256", 2, "a", 3));
        DottedPaths.remove(source, "file.hash.sha256");
        assertEquals(Map.of("a", 3), source);
    }

    @Test
    void removingKeepsOtherFieldsOfTheSameObject() {
        Map<String, Object> source = new HashMap<>(Map.of("file", Map.of("hash", Map.of("sha256", 1, "md5", 2)), "file.path", "p"));
        DottedPaths.remove(source, "file.hash.sha256");
        assertEquals(Map.of("file", Map.of("hash", Map.of("md5", 2)), "file.path", "p"), source);
    }

    @Test
    void removingAnObjectTakesItsDottedKeysToo() {
        Map<String, Object> source = new HashMap<>(Map.of("error", Map.of("code", 1), "error.message", "m", "errors", 7));
        DottedPaths.remove(source, "error");
        assertEquals(Map.of("errors", 7), source);
    }

    @Test
    void everyValueThatElasticsearchIndexesIsFoundAndReplaced() {
        Map<String, Object> source = new HashMap<>();
        source.put("person", List.of(Map.of("name", "a", "age", 1), "text", Map.of("name", "x"), Map.of("age", 2)));
        source.put("person.name", "b");
        source.put("person.names", "c");
        assertEquals(List.of("b", "a", "x"), DottedPaths.values(source, "person.name"));
        DottedPaths.replaceEach(source, "person.name", name -> "x".equals(name) ? null : name + "!");
        assertEquals(List.of(Map.of("name", "a!", "age", 1), "text", Map.of("age", 2)), source.get("person"));
        assertEquals("b!", source.get("person.name"));
        assertEquals("c", source.get("person.names"));
        DottedPaths.replaceEach(source, "person.name", name -> null);
        assertEquals(List.of(Map.of("age", 1), "text", Map.of("age", 2)), source.get("person"));
        assertEquals(List.of(), DottedPaths.values(source, "person.name"));
    }

    @Test
    void settingMakesObjectsButReplacesNothingOfTheSenders() {
        Map<String, Object> source = new HashMap<>(Map.of("file", "a.jpg"));
        DottedPaths.set(source, "file.size", 1);
        DottedPaths.set(source, "event.outcome", "success");
        assertEquals(Map.of("file", "a.jpg", "event", Map.of("outcome", "success")), source);
    }
}
