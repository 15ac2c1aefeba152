package org.ingestface.endpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.common.Messages;

/**
 * Reads the service's JSON. Nothing else looks at it, so all other code can rely on the types of {@link FaceAnswer}.
 */
final class AnswerParser {

    private AnswerParser() {}

    /** The answer breaks the contract. The message says where, and contains no part of the answer. */
    static final class Malformed extends Exception {

        private static final long serialVersionUID = 1L;

        private Malformed(String message) {
            super(message);
        }
    }

    /**
     * Reads the body of an answer with status 200.
     *
     * @param batch the request
     * @return one answer for each photo, in the batch's order
     * @throws Malformed if this is no complete answer to this batch; then no part is used, since results carry no id
     */
    static List<FaceAnswer> parse(byte[] body, List<FaceRequest> batch) throws Malformed {
        Map<String, Object> answer = parseObject(body);
        if (answer == null) {
            throw new Malformed("it is not a JSON object");
        }
        List<?> results = required(answer, "results", List.class, "results");
        if (results.size() != batch.size()) {
            throw new Malformed("[results] has [" + results.size() + "] entries for [" + batch.size() + "] images");
        }
        List<FaceAnswer> answers = new ArrayList<>();
        for (FaceRequest request : batch) {
            String path = "results." + answers.size();
            Map<String, Object> result = object(results.get(answers.size()), path);
            answers.add(result.get("error") == null ? parseFaces(answer, result, request, path) : parseError(result, path + ".error"));
        }
        return answers;
    }

    /** Whether the body is an answer to this one photo, and no error. */
    static boolean readsPhoto(byte[] body, List<FaceRequest> photo) {
        try {
            return parse(body, photo).get(0) instanceof FaceAnswer.Faces;
        } catch (Malformed e) {
            return false;
        }
    }

    /**
     * {@code error} of an answer with another status than 200.
     *
     * @param code    null if the body has none
     * @param message likewise
     */
    record Refusal(@Nullable String code, @Nullable String message) {}

    static Refusal parseRefusal(byte[] body) {
        Map<String, Object> answer = parseObject(body);
        Map<?, ?> error = answer != null && answer.get("error") instanceof Map<?, ?> object ? object : Map.of();
        return new Refusal(
            error.get("code") instanceof String code ? code : null,
            error.get("message") instanceof String message ? message : null
        );
    }

    private static FaceAnswer.PhotoError parseError(Map<String, Object> result, String path) throws Malformed {
        Map<String, Object> error = object(result.get("error"), path);
        return new FaceAnswer.PhotoError(
            Messages.shorten(required(error, "code", String.class, path + ".code")),
            Messages.shorten(required(error, "message", String.class, path + ".message"))
        );
    }

    private static FaceAnswer.Faces parseFaces(
        Map<String, Object> answer,
        Map<String, Object> result,
        FaceRequest request,
        String path
    ) throws Malformed {
        Map<String, Object> model = object(answer.get("model"), "model");
        String modelId = required(model, "id", String.class, "model.id");
        if (request.model() != null && request.model().equals(modelId) == false) {
            throw new Malformed("it is of model [" + Messages.shorten(modelId) + "], requested was [" + request.model() + "]");
        }
        int dims = required(model, "dims", Number.class, "model.dims").intValue();
        List<FaceAnswer.Face> faces = new ArrayList<>();
        for (Object face : required(result, "faces", List.class, path + ".faces")) {
            faces.add(parseFace(face, dims, path + ".faces." + faces.size()));
        }
        return new FaceAnswer.Faces(
            new FaceAnswer.Model(
                modelId,
                optional(model, "digest", String.class, "model.digest"),
                optional(model, "precision", String.class, "model.precision")
            ),
            List.copyOf(faces),
            result.get("photo") == null ? Map.of() : object(result.get("photo"), path + ".photo"),
            parseFile(result.get("file"), request, path + ".file"),
            optional(result, "thumbnail", String.class, path + ".thumbnail")
        );
    }

    private static FaceAnswer.Face parseFace(Object value, int dims, String path) throws Malformed {
        Map<String, Object> face = object(value, path);
        List<?> numbers = required(face, "vector", List.class, path + ".vector");
        if (numbers.size() != dims) {
            throw new Malformed("[" + path + ".vector] has [" + numbers.size() + "] numbers, not [model.dims] = [" + dims + "]");
        }
        float[] vector = new float[dims];
        for (int i = 0; i < dims; i++) {
            vector[i] = (float) finite(numbers.get(i), path + ".vector");
        }
        Map<String, Object> box = object(face.get("box"), path + ".box");
        finite(box.get("x"), path + ".box.x");
        finite(box.get("y"), path + ".box.y");
        double area = finite(box.get("width"), path + ".box.width") * finite(box.get("height"), path + ".box.height");
        finite(face.get("confidence"), path + ".confidence");
        optional(face, "quality", Map.class, path + ".quality");
        optional(face, "landmarks", Map.class, path + ".landmarks");
        optional(face, "crop", String.class, path + ".crop");
        optional(face, "drawn", Boolean.class, path + ".drawn");

        Map<String, Object> fields = new LinkedHashMap<>();
        for (String field : FaceAnswer.Face.FIELDS) {
            if (face.get(field) != null && face.get(field) != Boolean.FALSE) {
                fields.put(field, face.get(field));
            }
        }
        return new FaceAnswer.Face(vector, area, fields);
    }

    private static FaceAnswer.File parseFile(Object value, FaceRequest request, String path) throws Malformed {
        Map<String, Object> file = value == null ? Map.of() : object(value, path);
        Map<String, Object> hash = file.get("hash") == null ? Map.of() : object(file.get("hash"), path + ".hash");
        String sha256 = optional(hash, "sha256", String.class, path + ".hash.sha256");
        // A document needs it, because the ids of its faces are made from it.
        if (request.priority() == FaceRequest.Priority.INGEST && (sha256 == null || sha256.matches("[0-9a-f]{64}") == false)) {
            throw new Malformed("[" + path + ".hash.sha256] is not 64 hexadecimal digits");
        }
        return new FaceAnswer.File(
            optional(file, "size", Number.class, path + ".size"),
            optional(file, "mime_type", String.class, path + ".mime_type"),
            sha256
        );
    }

    @Nullable
    private static Map<String, Object> parseObject(byte[] body) {
        try (XContentParser parser = JsonXContent.jsonXContent.createParser(XContentParserConfiguration.EMPTY, body)) {
            return parser.nextToken() == XContentParser.Token.START_OBJECT ? parser.mapOrdered() : null;
        } catch (IOException | RuntimeException e) {
            // The exception is dropped, because its message quotes the answer.
            return null;
        }
    }

    @SuppressWarnings("unchecked") // JSON objects have string keys
    private static Map<String, Object> object(Object value, String path) throws Malformed {
        return (Map<String, Object>) typed(value, Map.class, path);
    }

    private static <T> T required(Map<String, Object> object, String key, Class<T> type, String path) throws Malformed {
        return typed(object.get(key), type, path);
    }

    @Nullable
    private static <T> T optional(Map<String, Object> object, String key, Class<T> type, String path) throws Malformed {
        return object.get(key) == null ? null : typed(object.get(key), type, path);
    }

    private static <T> T typed(Object value, Class<T> type, String path) throws Malformed {
        if (type.isInstance(value) == false) {
            throw new Malformed("[" + path + "] is " + (value == null ? "missing" : "not a " + jsonName(type)));
        }
        return type.cast(value);
    }

    private static String jsonName(Class<?> type) {
        if (Collection.class.isAssignableFrom(type)) {
            return "list";
        }
        return Map.class.isAssignableFrom(type) ? "JSON object"
            : type == String.class ? "string"
            : type == Boolean.class ? "boolean"
            : "number";
    }

    private static double finite(Object value, String path) throws Malformed {
        double number = typed(value, Number.class, path).doubleValue();
        if (Float.isFinite((float) number) == false) {
            throw new Malformed("[" + path + "] is not a finite number");
        }
        return number;
    }
}
