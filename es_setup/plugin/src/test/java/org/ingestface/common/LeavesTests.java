package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

class LeavesTests {

    private static Map<String, Object> leaves(Map<String, Object> source) {
        Map<String, Object> found = new TreeMap<>();
        Leaves.forEach(source, found::put);
        return found;
    }

    @Test
    void everySpellingOfAFieldHasOnePath() {
        for (Map<String, Object> source : List.<Map<String, Object>>of(
            Map.of("a", Map.of("b", Map.of("c", 1))),
            Map.of("a.b.c", 1),
            Map.of("a.b", Map.of("c", 1)),
            Map.of("a", Map.of("b.c", 1)),
            Map.of("a", List.of(Map.of("b", List.of(List.of(Map.of("c", 1)))))),
            Map.of("a", List.of(List.of(), Map.of("b", Map.of("c", 1, "d", List.of(List.of()))))),
            Map.of("a.", Map.of("b..c", 1))
        )) {
            assertEquals(Map.of("a.b.c", 1), leaves(source));
        }
    }

    @Test
    void anArrayWithoutObjectsIsOneValueAndWhatIsEmptyIsNone() {
        Map<String, Object> source = new HashMap<>(Map.of("a", List.of(1, List.of(2)), "b", List.of(), "c", Map.of()));
        source.put("d", null);
        assertEquals(Map.of("a", List.of(1, 2)), leaves(source));
    }

    @Test
    void fieldsAreRemovedInEverySpellingWithWhatThatLeavesEmpty() {
        Map<String, Object> source = new HashMap<>(
            Map.of("a", List.of(Map.of("b", 1), Map.of("c", 2, "b.x", 3)), "a.b", 4, "d", Map.of("e.f", 5), "g", 6)
        );
        Leaves.removeIf(source, path -> List.of("a.b", "a.b.x", "d.e").contains(path) || path.startsWith("d.e."));
        assertEquals(Map.of("a", List.of(Map.of("c", 2)), "g", 6), source);
    }

    @Test
    void whatIsNotRemovedStaysAsItWasEvenIfItIsEmpty() {
        Map<String, Object> source = new HashMap<>(Map.of("a", Map.of(), "b", Arrays.asList(null, Map.of("c", 1)), "d", List.of()));
        source.put("e", null);
        Map<String, Object> before = new HashMap<>(source);
        Leaves.removeIf(source, path -> path.equals("x"));
        assertEquals(before, source);
    }

    @Test
    void aPathHasABoundWhateverTheKeys() {
        String key = "k".repeat(40_000);
        Map<String, Object> source = new HashMap<>(Map.of("a", Map.of(key, Map.of("b", 1)), key, Map.of(key, 2), "a.b." + key, 3));
        Map<String, Object> found = leaves(source);
        assertEquals(3, found.size());
        found.keySet().forEach(path -> assertEquals(Leaves.MAX_PATH, path.length()));
        Leaves.removeIf(source, path -> path.startsWith("a."));
        assertEquals(Map.of(key, Map.of(key, 2)), source);
    }
}
