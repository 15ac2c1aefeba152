package org.ingestface.document;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.Answers;
import org.ingestface.endpoint.FaceAnswer;

/** A document without fields, once with nested faces and once with a single face. */
abstract class FaceDocumentTestCase {

    static final Instant NOW = Instant.parse("2026-11-22T16:00:00Z");
    static final Instant LATER = Instant.parse("2027-01-01T00:00:00Z");

    final Map<String, Object> source = new HashMap<>();
    final FaceDocument document = new FaceDocument(source, null, false);
    final FaceDocument portrait = new FaceDocument(source, null, true);

    Object get(String path) {
        return DottedPaths.get(source, path);
    }

    @SuppressWarnings("unchecked")
    List<Map<String, Object>> faces() {
        return (List<Map<String, Object>>) source.get("faces");
    }

    static FaceAnswer.PhotoError error(String code, String message) {
        return new FaceAnswer.PhotoError(code, message);
    }

    /**
     * The answer for a photo with other bytes than that of {@link Answers#found(int)}, with one face.
     *
     * @param taken null for a photo without EXIF
     */
    static FaceAnswer.Faces foundInAnother(String taken) {
        FaceAnswer.Faces found = Answers.found(1);
        Map<String, Object> photo = new HashMap<>(Map.of("width", 10, "height", 20));
        if (taken != null) {
            photo.put("taken", taken);
        }
        FaceAnswer.File file = new FaceAnswer.File(77, "image/png", "f".repeat(64));
        return new FaceAnswer.Faces(found.model(), found.faces(), photo, file, null);
    }
}
