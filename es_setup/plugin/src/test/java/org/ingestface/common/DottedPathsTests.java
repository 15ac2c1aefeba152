package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.HashMap;
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
    void settingMakesObjectsButReplacesNothingOfTheSenders() {
        Map<String, Object> source = new HashMap<>(Map.of("file", "a.jpg"));
        DottedPaths.set(source, "file.size", 1);
        DottedPaths.set(source, "event.outcome", "success");
        assertEquals(Map.of("file", "a.jpg", "event", Map.of("outcome", "success")), source);
    }
}
