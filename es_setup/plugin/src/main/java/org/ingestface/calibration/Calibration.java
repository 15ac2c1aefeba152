package org.ingestface.calibration;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;

/**
 * How similarities of one model are to be judged: the part of {@code _meta.ingest_face.calibration} of an index that ingest needs.
 * {@code faces calibrate} writes it from labelled photos.
 *
 * @param model     id of the model whose similarities these are
 * @param threshold least cosine of a match, -1 to 1, at the requested rate of false hits
 * @param slope     of the logistic map from cosine to probability, above 0
 * @param offset    of the logistic map
 */
public record Calibration(String model, double threshold, double slope, double offset) {

    private static final String PATH = "_meta.ingest_face.calibration";

    /**
     * @param mapping of an index
     * @return null if the index is not calibrated
     * @throws IllegalArgumentException if the stored calibration is invalid
     */
    @Nullable
    static Calibration read(Map<String, Object> mapping) {
        Object stored = DottedPaths.get(mapping, PATH);
        if (stored == null) {
            return null;
        }
        if (stored instanceof Map<?, ?> values && values.get("model") instanceof String model) {
            double threshold = number(values, "similarity", -1, 1, "from -1 to 1");
            double slope = number(values, "logistic.slope", Double.MIN_VALUE, Double.MAX_VALUE, "above 0");
            checkUnusedValues(values);
            double offset = number(values, "logistic.offset", -Double.MAX_VALUE, Double.MAX_VALUE, "");
            return new Calibration(model, threshold, slope, offset);
        }
        throw new IllegalArgumentException("[" + PATH + "] is not an object with a [model]");
    }

    /** Checks the values that only searches use. They refuse an invalid one, and a pipeline must use the same thresholds as searches. */
    private static void checkUnusedValues(Map<?, ?> values) {
        number(values, "fpir", 0, 1, "from 0 to 1");
        number(values, "fnir", 0, 1, "from 0 to 1");
        for (String count : List.of("gallery_size", "data.people", "data.photos")) {
            number(values, count, 1, Double.MAX_VALUE, "of 1 or more");
        }
        Object made = values.get("made");
        try {
            LocalDate.parse(String.valueOf(made));
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("[made] is [" + made + "], not a day such as 2025-01-31", e);
        }
    }

    private static double number(Map<?, ?> values, String path, double least, double most, String range) {
        Object value = DottedPaths.get(values, path);
        if (value instanceof Number number && number.doubleValue() >= least && number.doubleValue() <= most) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException(("[" + path + "] is [" + value + "], not a number " + range).strip());
    }

    /** Least cosine of a candidate: where the probability is one half, but never above the threshold of a match. */
    double candidateThreshold() {
        return Math.min(threshold, Math.max(-1, Math.round(-offset / slope * 1e4) / 1e4));
    }

    /**
     * The probability that two faces are of the same person, 0 to 1, assuming even prior odds: Platt scaling (1999).
     *
     * @param cosine of the faces' vectors
     */
    public double probability(double cosine) {
        return 1 / (1 + Math.exp(-(slope * cosine + offset)));
    }
}
