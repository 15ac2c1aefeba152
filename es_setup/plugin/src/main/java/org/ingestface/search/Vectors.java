package org.ingestface.search;

import java.util.List;

import org.elasticsearch.core.Nullable;

/** Vectors as Elasticsearch's {@code fields} have them, and their arithmetic. */
final class Vectors {

    private Vectors() {}

    /** From the values of a field, which are the numbers or, in a later version, one list of them; null if it is no vector. */
    @Nullable
    static float[] of(@Nullable Object value) {
        if (value instanceof List<?> list && list.size() == 1 && list.get(0) instanceof List<?> inner) {
            return of(inner);
        }
        if (value instanceof List<?> numbers && numbers.isEmpty() == false && numbers.stream().allMatch(Number.class::isInstance)) {
            float[] vector = new float[numbers.size()];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = ((Number) numbers.get(i)).floatValue();
            }
            return vector;
        }
        return null;
    }

    /** The vector in length 1; zeros stay. */
    static float[] unit(float[] vector) {
        double length = Math.sqrt(dot(vector, vector));
        float[] unit = new float[vector.length];
        for (int i = 0; i < vector.length && length > 0; i++) {
            unit[i] = (float) (vector[i] / length);
        }
        return unit;
    }

    /** The mean of vectors of length 1, scaled to length 1. */
    static float[] unitMean(List<float[]> vectors) {
        float[] sum = new float[vectors.get(0).length];
        for (float[] vector : vectors) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += vector[i];
            }
        }
        return unit(sum);
    }

    static double dot(float[] one, float[] other) {
        double sum = 0;
        for (int i = 0; i < one.length; i++) {
            sum += (double) one[i] * other[i];
        }
        return sum;
    }
}
