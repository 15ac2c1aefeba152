package org.ingestface;

import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
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
            double similarity = number(values, "similarity", -1, 1, "from -1 to 1");
            double slope = number(values, "logistic.slope", Double.MIN_VALUE, Double.MAX_VALUE, "above 0");
            requireTheRest(values);
            double offset = number(values, "logistic.offset", -Double.MAX_VALUE, Double.MAX_VALUE, "");
            return new Calibration(model, similarity, slope, offset);
        }
        throw new IllegalArgumentException("[" + CALIBRATION + "] is no object with a [model]");
    }

    /** Of no use here, but searches refuse a calibration without it, and they must go by the same as a pipeline. */
    private static void requireTheRest(Map<?, ?> values) {
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

    private static double number(Map<?, ?> values, String path, double least, double most, String which) {
        Object value = DottedPaths.get(values, path);
        if (value instanceof Number number && number.doubleValue() >= least && number.doubleValue() <= most) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException(("[" + path + "] is [" + value + "], not a number " + which).strip());
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
