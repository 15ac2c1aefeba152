package org.ingestface.endpoint;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/** Answers of a service whose model has 4 dimensions, as JSON and parsed. */
public final class Answers {

    public static final String MODEL = "facenet-1a2b3c4d";
    public static final String SHA256 = "0123456789abcdef".repeat(4);
    static final FaceRequest REQUEST = new FaceRequest("cGhvdG8=", null, FaceRequest.Priority.INGEST, FaceRequest.Limits.NONE);

    private Answers() {}

    /** A face with a box of {@code width} by 10 pixels and a quality of {@code score}. */
    public static String face(int width, double score) {
        return """
            {"vector": [0.1, 0.2, 0.3, 0.4], "box": {"x": 1, "y": 2, "width": %d, "height": 10}, "confidence": 0.98,
             "quality": {"score": %s}, "landmarks": {"nose": {"x": 1.5, "y": 2.5}}, "crop": "Q1JPUA==", "later": "unknown"}
            """.formatted(width, score);
    }

    /** A face at this place, whose box a person drew. */
    public static String drawn(int x, int y, int width, int height) {
        return """
            {"vector": [0.4, 0.3, 0.2, 0.1], "box": {"x": %d, "y": %d, "width": %d, "height": %d}, "confidence": 0, "drawn": true}
            """.formatted(x, y, width, height);
    }

    public static String faces(String... faces) {
        return results(List.of(result("VEhVTUI=", faces)));
    }

    /** The part of an answer for one photo. */
    static String result(String thumbnail, String... faces) {
        return """
            {"faces": [%s],
             "photo": {"width": 300, "height": 237, "taken": "2004-05-01T12:00:00", "fingerprint": "00ff00ff00ff00ff"},
             "file": {"size": 9, "mime_type": "image/jpeg", "hash": {"sha256": "%s"}}, "thumbnail": "%s"}
            """.formatted(String.join(",", faces), SHA256, thumbnail);
    }

    static String results(List<String> results) {
        return """
            {"model": {"id": "%s", "digest": "d1", "dims": 4, "precision": "bf16"}, "results": [%s]}
            """.formatted(MODEL, String.join(",", results));
    }

    /** One face for each photo of the request. Its thumbnail is the photo itself, which shows whose answer it is. */
    static String echo(FakeService.Request request) {
        return results(request.images().stream().map(image -> result(image, face(10, 0.5))).toList());
    }

    static String photoError(String code, String message) {
        return "{\"model\": {\"id\": \"m\"}, \"results\": [{\"error\": {\"code\": \"" + code + "\", \"message\": \"" + message + "\"}}]}";
    }

    static FaceAnswer parse(String json) throws AnswerParser.Malformed {
        return AnswerParser.parse(json.getBytes(StandardCharsets.UTF_8), List.of(REQUEST)).get(0);
    }

    /** The parsed answer for a photo with these faces, which {@link #face} makes. */
    public static FaceAnswer.Faces found(String... faces) {
        try {
            return (FaceAnswer.Faces) parse(faces(faces));
        } catch (AnswerParser.Malformed e) {
            throw new AssertionError(e);
        }
    }

    /** The parsed answer for a photo with {@code count} faces, each wider and of a higher quality than the one before. */
    public static FaceAnswer.Faces found(int count) {
        return found(IntStream.range(0, count).mapToObj(i -> face(10 + i, 0.5 + i * 0.1)).toArray(String[]::new));
    }
}
