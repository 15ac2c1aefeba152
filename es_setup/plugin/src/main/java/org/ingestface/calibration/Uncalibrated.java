package org.ingestface.calibration;

import java.util.Map;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;

/**
 * How similarities of an index are judged until it is calibrated: the part of {@code _meta.ingest_face.thresholds} that ingest needs.
 * {@code faces install} and {@code faces attach} write the pair of thresholds of the service's profile.
 *
 * @param possible least cosine of a possible match, -1 to 1; above 1 nothing matches
 */
record Uncalibrated(double possible) {

    private static final String PATH = "_meta.ingest_face.thresholds";
    /** Of the profile {@code facenet}. */
    private static final Uncalibrated FACENET = new Uncalibrated(0.46);
    /** Above every cosine. */
    static final Uncalibrated NO_MATCH = new Uncalibrated(2);

    /**
     * For an index that records none, as those of releases before and those of another cluster. A similarity of 0.46 says something for
     * the profiles of ours that have Facenet's network, and nothing for others: strangers of the model Dlib have 0.9.
     */
    static Uncalibrated of(String modelId) {
        return Stream.of("facenet-", "deepface-").anyMatch(modelId::startsWith) ? FACENET : NO_MATCH;
    }

    /**
     * @param mapping of an index
     * @return null if the index records none
     * @throws IllegalArgumentException if what it records is invalid: searches refuse it, so a pipeline must not use it
     */
    @Nullable
    static Uncalibrated read(Map<String, Object> mapping) {
        Object stored = DottedPaths.get(mapping, PATH);
        if (stored == null) {
            return null;
        }
        double strong = threshold(stored, "strong");
        double possible = threshold(stored, "possible");
        if (possible > strong) {
            throw new IllegalArgumentException("[possible] is [" + possible + "], above [strong], [" + strong + "]");
        }
        return new Uncalibrated(possible);
    }

    private static double threshold(@Nullable Object pair, String name) {
        Object value = pair instanceof Map<?, ?> values ? values.get(name) : null;
        if (value instanceof Number number && number.doubleValue() >= -1 && number.doubleValue() <= 1) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException("[" + name + "] is [" + value + "], not a number from -1 to 1");
    }
}
