package org.ingestface.document;

import static org.elasticsearch.ingest.ConfigurationUtils.newConfigurationException;
import static org.elasticsearch.ingest.ConfigurationUtils.readBooleanProperty;
import static org.elasticsearch.ingest.ConfigurationUtils.readOptionalStringProperty;
import static org.elasticsearch.ingest.ConfigurationUtils.readStringProperty;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

import org.elasticsearch.ElasticsearchException;
import org.elasticsearch.core.Nullable;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.endpoint.FaceRequest;
import org.ingestface.search.Gallery;

/**
 * The options of the processor {@code face} in a pipeline.
 *
 * @param field         the field with the photo
 * @param targetField   the object that all fields are written into; null for the top of the document
 * @param pathField     the field with the photo's path, copied into {@code file.path}; null for none
 * @param endpoint      name of the endpoint
 * @param model         the exact model id that vectors must have; null for any
 * @param singleFace    whether the photo must have exactly one face, which is then not nested
 * @param limits        which faces of the photo to keep
 * @param removeBinary  whether to remove the photo once its faces are written
 * @param ignoreMissing whether to let a document without a photo pass
 * @param override      whether to process a photo again whose faces are there
 * @param identify      the gallery to search for each face; null for none
 */
public record FaceOptions(String field, @Nullable String targetField, @Nullable PathField pathField, String endpoint,
    @Nullable String model, boolean singleFace, FaceRequest.Limits limits, boolean removeBinary, boolean ignoreMissing, boolean override,
    OnError onError, OnUnavailable onUnavailable, @Nullable Gallery.Lookup identify) {

    /** The path of the field with the photo in a document's source. */
    public String photoPath() {
        return path(field);
    }

    /** The path in a document's source of a field that the processor writes. */
    public String written(String name) {
        return targetField == null ? name : targetField + "." + name;
    }

    /** Null if the number of faces that were found is right. */
    @Nullable
    FaceAnswer.PhotoError singleFaceError(FaceAnswer.Faces found) {
        int count = found.faces().size();
        if (singleFace == false || count == 1) {
            return null;
        }
        if (count == 0) {
            String message = limits.acceptAnyFace()
                ? "no face found; take a photo that shows one face upright and from the front"
                : "no face found that [min_confidence] and [min_quality] let pass; take a better photo that shows one face";
            return new FaceAnswer.PhotoError("no_face", message);
        }
        String message = "[" + count + "] faces found instead of one; crop the photo, or let [max_faces: 1] take the largest face";
        return new FaceAnswer.PhotoError("several_faces", message);
    }

    /** What happens to a document whose photo cannot be read. If it has faces of this very photo, it always fails and keeps them. */
    enum OnError {
        /** It is stored with its photo and {@code error.code}. */
        KEEP,
        /** It is refused with status 400, and {@code on_failure} handlers see it. */
        FAIL
    }

    /** What happens to a document if the endpoint cannot answer. If it has faces of this very photo, it always fails and keeps them. */
    enum OnUnavailable {
        /** It is refused with status 429. */
        FAIL,
        /** It is stored with its photo and {@code error.code} {@code unavailable}, to be sent again later. */
        KEEP
    }

    private static final String TYPE = FaceProcessor.TYPE;
    /** In characters; what {@code face_check} compares of a path is not much longer. */
    private static final int MAX_TARGET = 200;
    private static final List<String> IDENTIFY = List.of("index", "k", "similarity", "filter");

    /**
     * Removes the known options from {@code config}; Elasticsearch refuses the rest.
     *
     * @param checkQuery throws if its argument is not a query
     */
    static FaceOptions read(String tag, Map<String, Object> config, Consumer<Map<String, Object>> checkQuery) {
        String target = readTargetField(TYPE, tag, config);
        boolean single = readBooleanProperty(TYPE, tag, config, "single_face", false);
        FaceOptions options = new FaceOptions(
            readField(tag, config, target, single),
            target,
            readPathField(tag, config, target),
            readStringProperty(TYPE, tag, config, "endpoint", "default"),
            readModel(tag, config),
            single,
            new FaceRequest.Limits(
                readWhole(tag, config, null, "max_faces", 1, 1_000),
                readNumber(tag, config, null, "min_confidence", 0, 1),
                readNumber(tag, config, null, "min_quality", 0, 1)
            ),
            readBooleanProperty(TYPE, tag, config, "remove_binary", true),
            readBooleanProperty(TYPE, tag, config, "ignore_missing", false),
            readBooleanProperty(TYPE, tag, config, "override", false),
            readChoice(tag, config, "on_error", OnError.class, OnError.KEEP),
            readChoice(tag, config, "on_unavailable", OnUnavailable.class, OnUnavailable.FAIL),
            readIdentify(tag, config, checkQuery)
        );
        if (single && options.identify != null) {
            throw invalid(tag, "identify", "cannot be combined with [single_face]: a portrait already says who it shows");
        }
        return options;
    }

    /** Refuses a field that the processor itself would overwrite or remove. */
    private static String readField(String tag, Map<String, Object> config, @Nullable String target, boolean single) {
        String field = readStringProperty(TYPE, tag, config, "field", "image");
        if (isPath(path(field)) == false) {
            throw invalid(tag, "field", "cannot be [" + field + "]: it must be the name of a field, such as [image]");
        }
        String written = new FaceDocument(Map.of(), target, single).writtenAt(path(field));
        if (written != null) {
            throw invalid(
                tag,
                "field",
                "cannot be [" + field + "]: the processor writes [" + written + "] itself. choose another "
                    + (target == null ? "field such as [image]" : "field or another [target_field]")
            );
        }
        return field;
    }

    @Nullable
    private static PathField readPathField(String tag, Map<String, Object> config, @Nullable String target) {
        String field = readOptionalStringProperty(TYPE, tag, config, "path_field");
        if (field == null) {
            return null;
        }
        if (isPath(path(field)) == false) {
            throw invalid(tag, "path_field", "cannot be [" + field + "]: it must be the name of a field, such as [path.real]");
        }
        if (target != null) {
            throw invalid(tag, "path_field", "cannot be combined with [target_field]: it is copied into [file.path], which is yours then");
        }
        return new PathField(path(field));
    }

    @Nullable
    private static String readModel(String tag, Map<String, Object> config) {
        String model = readOptionalStringProperty(TYPE, tag, config, "model");
        if (model != null && model.isBlank()) {
            throw invalid(tag, "model", "cannot be empty; leave it out to accept any model");
        }
        return model;
    }

    @Nullable
    static String readTargetField(String type, String tag, Map<String, Object> config) {
        String target = readOptionalStringProperty(type, tag, config, "target_field");
        if (target == null) {
            return null;
        }
        String path = path(target);
        if (isPath(path) == false || path.startsWith("_") || path.length() > MAX_TARGET) {
            String reason = "cannot be [" + target + "]: it must be the name of an object, such as [portrait], of at most 200 characters";
            throw newConfigurationException(type, tag, "target_field", reason);
        }
        return path;
    }

    /** Without the prefix {@code _source.} and dots at the end, which IngestDocument ignores too. */
    static String path(String field) {
        return String.join(".", (field.startsWith("_source.") ? field.substring("_source.".length()) : field).split("\\."));
    }

    private static boolean isPath(String path) {
        return Arrays.stream(path.split("\\.", -1)).noneMatch(String::isBlank);
    }

    private static <E extends Enum<E>> E readChoice(String tag, Map<String, Object> config, String name, Class<E> type, E defaultChoice) {
        String value = readStringProperty(TYPE, tag, config, name, lower(defaultChoice));
        return Arrays.stream(type.getEnumConstants()).filter(choice -> lower(choice).equals(value)).findFirst().orElseThrow(() -> {
            List<String> valid = Arrays.stream(type.getEnumConstants()).map(FaceOptions::lower).toList();
            return invalid(tag, name, "illegal " + name + " option [" + value + "]. valid values are " + valid);
        });
    }

    private static String lower(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    @Nullable
    private static Integer readWhole(String tag, Map<String, Object> config, @Nullable String within, String name, int least, int most) {
        Double number = readNumber(tag, config, within, name, least, most);
        if (number != null && number != Math.rint(number)) {
            throw invalid(tag, within, name, "must be a whole number but was [" + number + "]");
        }
        return number == null ? null : number.intValue();
    }

    /**
     * A number or, as other processors accept too, a string that holds one.
     *
     * @param within the option whose object {@code config} is; null for the processor's own options
     */
    @Nullable
    private static Double readNumber(
        String tag,
        Map<String, Object> config,
        @Nullable String within,
        String name,
        double least,
        double most
    ) {
        Object value = config.remove(name);
        if (value == null) {
            return null;
        }
        double number;
        try {
            number = Double.parseDouble(value.toString());
        } catch (NumberFormatException e) {
            throw invalid(tag, within, name, "property cannot be converted to a number [" + value + "]");
        }
        if ((number >= least && number <= most) == false) {
            throw invalid(tag, within, name, "must be between [" + format(least) + "] and [" + format(most) + "] but was [" + value + "]");
        }
        return number;
    }

    private static String format(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }

    @Nullable
    private static Gallery.Lookup readIdentify(String tag, Map<String, Object> config, Consumer<Map<String, Object>> checkQuery) {
        Object value = config.remove("identify");
        if (value == null) {
            return null;
        }
        if (value instanceof Map<?, ?> == false) {
            throw invalid(tag, "identify", "property isn't a map, but of type [" + value.getClass().getName() + "]");
        }
        Map<String, Object> identify = stringKeys((Map<?, ?>) value);
        List<String> unknown = identify.keySet().stream().filter(name -> IDENTIFY.contains(name) == false).sorted().toList();
        if (unknown.isEmpty() == false) {
            throw invalid(tag, "identify", "doesn't support " + unknown + ". valid options are " + IDENTIFY);
        }
        if (identify.get("index") instanceof String index && index.isBlank() == false) {
            Integer k = readWhole(tag, identify, "identify", "k", 1, 100);
            Double similarity = readNumber(tag, identify, "identify", "similarity", -1, 1);
            return new Gallery.Lookup(index, k == null ? 5 : k, similarity, readFilter(tag, identify.get("filter"), checkQuery));
        }
        String required = "requires [index], the name of a gallery such as [face-gallery]";
        Object index = identify.get("index");
        boolean isOther = index != null && index instanceof String == false;
        throw invalid(tag, "identify", isOther ? required + ", and not a value of type [" + index.getClass().getName() + "]" : required);
    }

    private static List<Map<String, Object>> readFilter(String tag, @Nullable Object value, Consumer<Map<String, Object>> checkQuery) {
        List<?> clauses = value == null ? List.of() : value instanceof List<?> list ? list : List.of(value);
        return clauses.stream().map(clause -> {
            if (clause instanceof Map<?, ?> query) {
                try {
                    Map<String, Object> read = stringKeys(query);
                    checkQuery.accept(read);
                    return read;
                } catch (IllegalArgumentException | ElasticsearchException e) {
                    throw invalid(tag, "identify", "[filter] is not a query: " + e.getMessage());
                }
            }
            throw invalid(tag, "identify", "[filter] must be a query or an array of queries");
        }).toList();
    }

    private static Map<String, Object> stringKeys(Map<?, ?> map) {
        Map<String, Object> copy = new HashMap<>();
        map.forEach((key, value) -> copy.put(String.valueOf(key), value));
        return copy;
    }

    private static ElasticsearchException invalid(String tag, @Nullable String within, String option, String reason) {
        return within == null ? invalid(tag, option, reason) : invalid(tag, within, "[" + option + "] " + reason);
    }

    private static ElasticsearchException invalid(String tag, String option, String reason) {
        return newConfigurationException(TYPE, tag, option, reason);
    }
}
