package org.ingestface.document;

import java.util.LinkedHashMap;
import java.util.Map;

import org.elasticsearch.core.Nullable;

/** Finds the same face in two answers, for one photo or for two of the same scene, by the overlap of the boxes. */
public final class Boxes {

    /** Least intersection over union of two boxes of the same face, which may come from two detectors. */
    public static final double MIN_OVERLAP = 0.5;

    private Boxes() {}

    /**
     * A box as fractions of its photo's width and height, so that it can be compared with that of a larger or smaller copy.
     *
     * @param box   {x, y, width, height} in pixels
     * @param photo {width, height} in pixels
     * @return null if either is unknown
     */
    @Nullable
    public static Map<String, Object> relative(@Nullable Object box, @Nullable Object photo) {
        if (box instanceof Map<?, ?> pixels && photo instanceof Map<?, ?> size) {
            double width = number(size, "width");
            double height = number(size, "height");
            if (width > 0 && height > 0) {
                Map<String, Object> relative = new LinkedHashMap<>();
                relative.put("x", rounded(number(pixels, "x") / width));
                relative.put("y", rounded(number(pixels, "y") / height));
                relative.put("width", rounded(number(pixels, "width") / width));
                relative.put("height", rounded(number(pixels, "height") / height));
                return relative;
            }
        }
        return null;
    }

    /** To a hundredth of a pixel in a photo of 10,000 pixels a side. */
    private static double rounded(double fraction) {
        return Math.round(fraction * 1e6) / 1e6;
    }

    /** Intersection over union, 0 to 1; 0 if a box is unknown. */
    public static double overlap(@Nullable Object one, @Nullable Object other) {
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
