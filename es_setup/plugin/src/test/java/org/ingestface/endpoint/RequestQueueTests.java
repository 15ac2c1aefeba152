package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;

import org.junit.jupiter.api.Test;

class RequestQueueTests {

    private final RequestQueue<String> queue = new RequestQueue<>();

    private void add(String... items) {
        for (String item : items) {
            queue.add(item, null, 10);
        }
    }

    @Test
    void itemsLeaveInTheOrderOfArrival() {
        add("a", "b", "c");
        assertEquals("a", queue.first());
        assertEquals(List.of("a", "b"), queue.take(2, 100));
        assertEquals(List.of("c"), queue.take(2, 100));
        assertEquals(List.of(), queue.take(2, 100));
        assertNull(queue.first());
    }

    @Test
    void aBatchHasItemsOfOneGroupAndTheOthersFollow() {
        queue.add("a1", "a", 10);
        queue.add("b1", "b", 10);
        queue.add("a2", "a", 10);
        queue.add("none", null, 10);
        assertEquals(List.of("a1", "a2"), queue.take(4, 100));
        assertEquals(List.of("b1"), queue.take(4, 100));
        assertEquals(List.of("none"), queue.take(4, 100));
    }

    @Test
    void aBatchIsLimitedByBytesExceptForItsFirstItem() {
        queue.add("large", null, 1_000);
        add("a", "b", "c");
        assertEquals(List.of("large"), queue.take(4, 20));
        assertEquals(List.of("a", "b"), queue.take(4, 20));
        assertEquals(List.of("c"), queue.take(4, 20));
    }

    @Test
    void aBatchIsFullByCountOrBytesOfItsOwnGroup() {
        queue.add("a1", "a", 10);
        queue.add("b1", "b", 10);
        assertFalse(queue.isBatchFull(2, 100));
        queue.add("a2", "a", 10);
        assertTrue(queue.isBatchFull(2, 100));
        assertFalse(queue.isBatchFull(3, 100));
        assertTrue(queue.isBatchFull(3, 15));
    }

    @Test
    void aRemovedItemIsNotTaken() {
        add("a", "b");
        assertTrue(queue.remove("a"));
        assertFalse(queue.remove("a"));
        assertEquals(1, queue.size());
        assertEquals(List.of("b"), queue.take(2, 100));
    }
}
