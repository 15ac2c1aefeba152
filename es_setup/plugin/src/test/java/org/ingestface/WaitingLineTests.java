package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;

class WaitingLineTests {

    private final AtomicLong bytes = new AtomicLong();
    private final WaitingLine<String> line = new WaitingLine<>(3, 100, bytes);

    @Test
    void searchesGoFirstAndOtherwiseTheOrderOfArrivalHolds() {
        line.offer("document 1", 1, false);
        line.offer("search 1", 1, true);
        line.offer("search 2", 1, true);
        assertEquals("search 1", line.poll());
        assertEquals("search 2", line.poll());
        assertEquals("document 1", line.poll());
        assertNull(line.poll());
    }

    @Test
    void aFullLineSaysHowManyPhotosWait() {
        for (int i = 0; i < 3; i++) {
            assertNull(line.offer("photo " + i, 1, false));
        }
        assertEquals("[3] photos", line.offer("one more", 1, true));
        assertEquals(3, line.size());
    }

    @Test
    void theBytesOfAllLinesTogetherAreBounded() {
        WaitingLine<String> other = new WaitingLine<>(3, 100, bytes);
        assertNull(line.offer("a", 60, false));
        assertEquals("[60] bytes of photos, with room for [100],", other.offer("b", 41, false));
        assertNull(other.offer("c", 40, false));
    }

    @Test
    void whoLeavesOrIsServedGivesItsBytesBack() {
        line.offer("a", 60, false);
        line.offer("b", 40, true);
        assertTrue(line.remove("a"));
        assertFalse(line.remove("a"));
        line.poll();
        assertEquals(0, bytes.get());
    }
}
