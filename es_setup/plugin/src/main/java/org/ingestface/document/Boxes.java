package org.ingestface.document;

import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;

/** Finds the same face in two answers for one photo, by the overlap of the boxes. */
final class Boxes {

    /** Least intersection over union of two boxes of the same face, which may come from two detectors. */
    private static final double MIN_OVERLAP = 0.5;

    private Boxes() {}

    /**
     * @param faces each with a {@code box} of {x, y, width, height}
     * @return the face whose box overlaps most with {@code box}; null if none overlaps enough
     */
    @Nullable
    static Map<?, ?> mostOverlapping(List<Map<?, ?>> faces, @Nullable Object box) {
        Map<?, ?> most = null;
        double best = MIN_OVERLAP;
        for (Map<?, ?> face : faces) {
            double overlap = overlap(face.get("box"), box);
            if (overlap >= best) {
                best = overlap;
                most = face;
            }
        }
        return most;
    }

    /** Intersection over union, 0 to 1. */
    private static double overlap(@Nullable Object one, @Nullable Object other) {
        if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
            double intersection = common(a, b, "x", "width") * common(a, b, "y", "height");
            double union = number(a, "width") * number(a, "height") + number(b, "width") * number(b, "height") - intersection;
            return union > 0 ? intersection / union : 0;
        }
        return 0;
    }

    private static double common(Map<?, ?> a, Map<?, ?> b, String start, String length) {
        double from = Math.max(number(a, start), number(b, start));
        double to = Math.min(number(a, start) + number(a, length), number(b, start) + number(b, length));
        return Math.max(0, to - from);
    }

    private static double number(Map<?, ?> box, String name) {
        return box.get(name) instanceof Number number ? number.doubleValue() : 0;
    }
}
