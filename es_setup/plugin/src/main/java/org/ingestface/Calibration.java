package org.ingestface;

import java.util.Map;

import org.elasticsearch.core.Nullable;

/**
 * What labelled photos said about the similarities of one model: {@code _meta.ingest_face.calibration} of an index, as
 * {@code faces calibrate} writes it. Of that, what ingest needs.
 *
 * @param model      the id of the model whose similarities these are
 * @param similarity the least cosine of a match, -1 to 1, at the rate of false hits that was asked for: the line of "strong"
 * @param slope      of the logistic map, above 0
 * @param offset     likewise
 */
record Calibration(String model, double similarity, double slope, double offset) {

    private static final String CALIBRATION = "_meta.ingest_face.calibration";

    /**
     * @param mapping an index's
     * @return null when there is none
     * @throws IllegalArgumentException when there is something else
     */
    @Nullable
    static Calibration read(Map<String, Object> mapping) {
        Object stored = DottedPaths.get(mapping, CALIBRATION);
        if (stored == null) {
            return null;
        }
        if (stored instanceof Map<?, ?> values && values.get("model") instanceof String model) {
            double similarity = number(values, "similarity");
            if (Math.abs(similarity) > 1) {
                throw new IllegalArgumentException("[similarity] is [" + similarity + "], not from -1 to 1");
            }
            double slope = number(values, "logistic.slope");
            if (slope <= 0) {
                throw new IllegalArgumentException("[logistic.slope] is [" + slope + "], not above 0");
            }
            return new Calibration(model, similarity, slope, number(values, "logistic.offset"));
        }
        throw new IllegalArgumentException("[" + CALIBRATION + "] is no object with a [model]");
    }

    private static double number(Map<?, ?> values, String path) {
        if (DottedPaths.get(values, path) instanceof Number number && Double.isFinite(number.doubleValue())) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException("[" + path + "] is not a number");
    }

    /** The least cosine of a candidate, the line of "possible": where the map says one half, and never above a match's. */
    double possible() {
        return Math.min(similarity, Math.max(-1, Math.round(-offset / slope * 1e4) / 1e4));
    }

    /**
     * That two faces are one person's, 0 to 1, where before it was as likely as not: Platt's scaling (1999).
     *
     * @param cosine of their vectors
     */
    double probability(double cosine) {
        return 1 / (1 + Math.exp(-(slope * cosine + offset)));
    }
}
