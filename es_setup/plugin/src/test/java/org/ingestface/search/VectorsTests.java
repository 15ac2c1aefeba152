package org.ingestface.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;

import org.junit.jupiter.api.Test;

class VectorsTests {

    @Test
    void aFieldHasItsNumbersOrOneListOfThem() {
        float[] vector = { 0.5f, -1, 2 };
        assertArrayEquals(vector, Vectors.of(List.of(0.5, -1, 2L)));
        assertArrayEquals(vector, Vectors.of(List.of(List.of(0.5f, -1, 2))));
        for (Object other : new Object[] { List.of(), List.of("a"), "a", List.of(List.of()), List.of(List.of(1), List.of(2)) }) {
            assertNull(Vectors.of(other), String.valueOf(other));
        }
        assertNull(Vectors.of(null));
    }

    @Test
    void aVectorInLengthOneHasItsDirection() {
        assertArrayEquals(new float[] { 0.6f, 0.8f }, Vectors.unit(new float[] { 3, 4 }), 1e-6f);
        assertArrayEquals(new float[] { 0, 0 }, Vectors.unit(new float[] { 0, 0 }));
    }

    @Test
    void theMeanHasLengthOne() {
        float[] mean = Vectors.unitMean(List.of(new float[] { 0.8f, 0.6f }, new float[] { 0.8f, -0.6f }));
        assertArrayEquals(new float[] { 1, 0 }, mean, 1e-6f);
        assertEquals(0.8, Vectors.dot(mean, new float[] { 0.8f, 0.6f }), 1e-6);
    }
}
