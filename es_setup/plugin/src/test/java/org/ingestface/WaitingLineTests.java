package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;

import org.junit.jupiter.api.Test;

class WaitingLineTests {

    private final WaitingLine<String> line = new WaitingLine<>();

    private void add(String... items) {
        for (String item : items) {
            line.add(item, null, 10);
        }
    }

    @Test
    void theOrderOfArrivalHolds() {
        add("a", "b", "c");
        assertEquals("a", line.first());
        assertEquals(List.of("a", "b"), line.take(2, 100));
        assertEquals(List.of("c"), line.take(2, 100));
        assertEquals(List.of(), line.take(2, 100));
        assertNull(line.first());
    }

    @Test
    void onlyThoseOfOneGroupLeaveTogetherAndNobodyIsForgotten() {
        line.add("a1", "a", 10);
        line.add("b1", "b", 10);
        line.add("a2", "a", 10);
        line.add("none", null, 10);
        assertEquals(List.of("a1", "a2"), line.take(4, 100));
        assertEquals(List.of("b1"), line.take(4, 100));
        assertEquals(List.of("none"), line.take(4, 100));
    }

    @Test
    void aBatchIsBoundedByBytesAndTheFirstLeavesWhateverItsSize() {
        line.add("large", null, 1_000);
        add("a", "b", "c");
        assertEquals(List.of("large"), line.take(4, 20));
        assertEquals(List.of("a", "b"), line.take(4, 20));
        assertEquals(List.of("c"), line.take(4, 20));
    }

    @Test
    void aBatchIsFullByCountOrByBytesOfItsOwnGroup() {
        line.add("a1", "a", 10);
        line.add("b1", "b", 10);
        assertFalse(line.isBatchFull(2, 100));
        line.add("a2", "a", 10);
        assertTrue(line.isBatchFull(2, 100));
        assertFalse(line.isBatchFull(3, 100));
        assertTrue(line.isBatchFull(3, 15));
    }

    @Test
    void whoLeavesIsNotServed() {
        add("a", "b");
        assertTrue(line.remove("a"));
        assertFalse(line.remove("a"));
        assertEquals(1, line.size());
        assertEquals(List.of("b"), line.take(2, 100));
    }
}
