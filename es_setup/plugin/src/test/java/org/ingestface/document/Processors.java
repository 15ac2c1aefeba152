package org.ingestface.document;

import java.util.HashMap;
import java.util.Map;

/** Makes processors for the tests of other packages. */
public final class Processors {

    private Processors() {}

    /** A processor that has options, and can process nothing. */
    public static FaceProcessor with(Map<String, Object> options) {
        return new FaceProcessor.Factory(() -> null, () -> null, () -> null).create("tag", null, new HashMap<>(options));
    }
}
