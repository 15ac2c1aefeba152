package org.ingestface.document;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.rest.RestStatus;
import org.ingestface.rights.FaceRights;

/**
 * The boxes that people drew around faces that the service misses. They go along with the very same photo, so that these faces are found
 * again.
 */
public final class DrawnBoxes {

    private static final String DRAWN = "drawn";
    private static final List<String> SIDES = List.of("x", "y", "width", "height");
    /** The service takes no more of a photo. */
    private static final int MAX = 20;
    /** Pixels; the service takes no smaller box. */
    private static final int MIN_SIDE = 8;

    private DrawnBoxes() {}

    /** Whether a person drew the box of a stored face. */
    public static boolean isDrawn(Map<?, ?> face) {
        return Boolean.TRUE.equals(face.get(DRAWN));
    }

    /**
     * The drawn boxes that the service takes: anybody without Elasticsearch's security can have written them.
     *
     * @param faces  the stored field {@code faces}; null if there is none
     * @param width  of the upright photo, in pixels
     * @param height likewise
     */
    static List<Map<String, Integer>> of(@Nullable List<?> faces, @Nullable Object width, @Nullable Object height) {
        List<Map<String, Integer>> boxes = new ArrayList<>();
        if (faces != null && width instanceof Integer right && height instanceof Integer bottom) {
            for (Object face : faces) {
                if (boxes.size() < MAX && face instanceof Map<?, ?> entry && isDrawn(entry) && entry.get("box") instanceof Map<?, ?> drawn) {
                    Map<String, Integer> box = new LinkedHashMap<>();
                    SIDES.stream().filter(side -> drawn.get(side) instanceof Integer).forEach(side -> box.put(side, (Integer) drawn.get(side)));
                    if (box.size() == SIDES.size() && isInside(box, right, bottom)) {
                        boxes.add(box);
                    }
                }
            }
        }
        return boxes;
    }

    private static boolean isInside(Map<String, Integer> box, long right, long bottom) {
        boolean isLarge = box.get("width") >= MIN_SIDE && box.get("height") >= MIN_SIDE;
        // The service rounds the boxes of its answers.
        boolean fits = (long) box.get("x") + box.get("width") <= right + 1 && (long) box.get("y") + box.get("height") <= bottom + 1;
        return isLarge && fits && box.get("x") >= 0 && box.get("y") >= 0;
    }

    /**
     * Calls back with the boxes if the caller may write faces, and else with none: a sender says nothing of where faces are.
     *
     * @param field of the faces
     */
    static void allowed(
        List<Map<String, Integer>> boxes,
        FaceRights rights,
        String index,
        String field,
        ActionListener<List<Map<String, Integer>>> listener
    ) {
        if (boxes.isEmpty()) {
            listener.onResponse(boxes);
            return;
        }
        rights.require(index, List.of(field), new ActionListener<>() {
            @Override
            public void onResponse(Void granted) {
                listener.onResponse(boxes);
            }

            @Override
            public void onFailure(Exception e) {
                if (ExceptionsHelper.status(e) == RestStatus.FORBIDDEN) {
                    listener.onResponse(List.of());
                } else {
                    listener.onFailure(e);
                }
            }
        });
    }
}
