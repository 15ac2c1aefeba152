package org.ingestface;

import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;

/** Tells which of a photo's faces is the same as before: the one whose box overlaps. */
final class Boxes {

    /** Least intersection over union of two boxes of the same face, measured by two detectors perhaps. */
    private static final double SAME = 0.5;

    private Boxes() {}

    /**
     * @param faces each with a {@code box} of {x, y, width, height}
     * @return the face whose box has most in common with {@code box}; null when none is the same
     */
    @Nullable
    static Map<?, ?> mostOverlapping(List<Map<?, ?>> faces, @Nullable Object box) {
        Map<?, ?> most = null;
        double best = SAME;
        for (Map<?, ?> face : faces) {
            double overlap = overlap(face.get("box"), box);
            if (overlap >= best) {
                best = overlap;
                most = face;
            }
        }
        return most;
    }

    private static double overlap(@Nullable Object one, @Nullable Object other) {
        if (one instanceof Map<?, ?> a && other instanceof Map<?, ?> b) {
            double both = common(a, b, "x", "width") * common(a, b, "y", "height");
            double either = number(a, "width") * number(a, "height") + number(b, "width") * number(b, "height") - both;
            return either > 0 ? both / either : 0;
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
