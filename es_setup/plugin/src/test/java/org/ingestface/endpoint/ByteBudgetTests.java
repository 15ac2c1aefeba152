package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ByteBudgetTests {

    private final ByteBudget budget = new ByteBudget();

    @Test
    void moreThanTheLimitIsRefusedUntilBytesAreReleased() {
        assertTrue(budget.claim(60, 100));
        assertFalse(budget.claim(41, 100));
        assertTrue(budget.claim(40, 100));
        budget.release(60);
        assertTrue(budget.claim(60, 100));
        assertEquals(100, budget.held());
    }

    @Test
    void moreThanTheWholeLimitIsAcceptedAlone() {
        assertTrue(budget.claim(500, 100));
        assertFalse(budget.claim(1, 100));
        budget.release(500);
        assertTrue(budget.claim(1, 100));
        assertFalse(budget.claim(500, 100));
    }
}
