package org.ingestface;

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

/**
 * The options of the processor {@code face}, as a pipeline gives them.
 *
 * @param field         where the photo is
 * @param targetField   the object that all fields go into; null for the top of the document
 * @param model         the exact model id that vectors must be of; null for whichever the endpoint has
 * @param singleFace    whether the photo must have exactly one face, which is then not nested
 * @param wanted        which faces of the photo
 * @param removeBinary  whether the photo goes once its faces are there
 * @param ignoreMissing whether a document without a photo passes
 * @param override      whether a photo whose faces are there is looked at again
 * @param identify      where to look the faces up; null for nowhere
 */
record FaceOptions(String field, @Nullable String targetField, String endpoint, @Nullable String model, boolean singleFace,
    FaceRequest.Wanted wanted, boolean removeBinary, boolean ignoreMissing, boolean override, OnError onError,
    OnUnavailable onUnavailable, @Nullable Gallery.Look identify) {

    /** What becomes of a document whose photo cannot be read. One that has faces of this very photo fails always, and keeps them. */
    enum OnError {
        /** It is stored with its photo and {@code error.code}. */
        KEEP,
        /** It is refused with status 400, and {@code on_failure} handlers see it. */
        FAIL
    }

    /** What becomes of a document whose photo nobody could look at. One that has faces of this very photo fails always, as above. */
    enum OnUnavailable {
        /** It is refused with status 429. */
        FAIL,
        /** It is stored with its photo and {@code error.code} {@code unavailable}, to be sent again later. */
        KEEP
    }

    private static final String TYPE = FaceProcessor.TYPE;
    private static final List<String> IDENTIFY = List.of("index", "k", "similarity", "filter");

    /**
     * Takes the known options out of {@code config}; Elasticsearch refuses what is left.
     *
     * @param checkQuery throws when its argument is not a query
     */
    static FaceOptions read(String tag, Map<String, Object> config, Consumer<Map<String, Object>> checkQuery) {
        String target = readTargetField(tag, config);
        boolean single = readBooleanProperty(TYPE, tag, config, "single_face", false);
        FaceOptions options = new FaceOptions(
            readField(tag, config, target, single),
            target,
            readStringProperty(TYPE, tag, config, "endpoint", "default"),
            readModel(tag, config),
            single,
            new FaceRequest.Wanted(
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
            throw wrong(tag, "identify", "cannot be combined with [single_face]: a portrait says itself who it shows");
        }
        return options;
    }

    /** Refuses a field whose photo would be overwritten or removed by what is found in it. */
    private static String readField(String tag, Map<String, Object> config, @Nullable String target, boolean single) {
        String field = readStringProperty(TYPE, tag, config, "field", "image");
        if (isPath(path(field)) == false) {
            throw wrong(tag, "field", "cannot be [" + field + "]: it must be the name of a field, such as [image]");
        }
        String written = new FaceDocument(Map.of(), target, single).writtenAt(path(field));
        if (written != null) {
            throw wrong(
                tag,
                "field",
                "cannot be [" + field + "]: the processor writes [" + written + "] itself. choose another "
                    + (target == null ? "field such as [image]" : "field or another [target_field]")
            );
        }
        return field;
    }

    @Nullable
    private static String readModel(String tag, Map<String, Object> config) {
        String model = readOptionalStringProperty(TYPE, tag, config, "model");
        if (model != null && model.isBlank()) {
            throw wrong(tag, "model", "cannot be empty; leave it out for whichever model is served");
        }
        return model;
    }

    @Nullable
    private static String readTargetField(String tag, Map<String, Object> config) {
        String target = readOptionalStringProperty(TYPE, tag, config, "target_field");
        if (target == null) {
            return null;
        }
        String path = path(target);
        if (isPath(path) == false || path.startsWith("_")) {
            throw wrong(tag, "target_field", "cannot be [" + target + "]: it must be the name of an object, such as [portrait]");
        }
        return path;
    }

    /** The same spellings of a path as in IngestDocument, which drops this prefix and dots at the end. */
    static String path(String field) {
        return String.join(".", (field.startsWith("_source.") ? field.substring("_source.".length()) : field).split("\\."));
    }

    private static boolean isPath(String path) {
        return Arrays.stream(path.split("\\.", -1)).noneMatch(String::isBlank);
    }

    private static <E extends Enum<E>> E readChoice(String tag, Map<String, Object> config, String name, Class<E> type, E otherwise) {
        String value = readStringProperty(TYPE, tag, config, name, lower(otherwise));
        return Arrays.stream(type.getEnumConstants()).filter(choice -> lower(choice).equals(value)).findFirst().orElseThrow(() -> {
            List<String> valid = Arrays.stream(type.getEnumConstants()).map(FaceOptions::lower).toList();
            return wrong(tag, name, "illegal " + name + " option [" + value + "]. valid values are " + valid);
        });
    }

    private static String lower(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    @Nullable
    private static Integer readWhole(String tag, Map<String, Object> config, @Nullable String within, String name, int least, int most) {
        Double number = readNumber(tag, config, within, name, least, most);
        if (number != null && number != Math.rint(number)) {
            throw wrong(tag, within, name, "must be a whole number but was [" + number + "]");
        }
        return number == null ? null : number.intValue();
    }

    /**
     * A number, or a string that holds one, as other processors take.
     *
     * @param within the option whose object {@code config} is; null for the pipeline's own
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
            throw wrong(tag, within, name, "property cannot be converted to a number [" + value + "]");
        }
        if ((number >= least && number <= most) == false) {
            throw wrong(tag, within, name, "must be between [" + shown(least) + "] and [" + shown(most) + "] but was [" + value + "]");
        }
        return number;
    }

    private static String shown(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }

    @Nullable
    private static Gallery.Look readIdentify(String tag, Map<String, Object> config, Consumer<Map<String, Object>> checkQuery) {
        Object value = config.remove("identify");
        if (value == null) {
            return null;
        }
        if (value instanceof Map<?, ?> == false) {
            throw wrong(tag, "identify", "property isn't a map, but of type [" + value.getClass().getName() + "]");
        }
        Map<String, Object> identify = strings((Map<?, ?>) value);
        List<String> unknown = identify.keySet().stream().filter(name -> IDENTIFY.contains(name) == false).sorted().toList();
        if (unknown.isEmpty() == false) {
            throw wrong(tag, "identify", "doesn't support " + unknown + ". valid options are " + IDENTIFY);
        }
        if (identify.get("index") instanceof String index && index.isBlank() == false) {
            Integer k = readWhole(tag, identify, "identify", "k", 1, 100);
            Double similarity = readNumber(tag, identify, "identify", "similarity", -1, 1);
            return new Gallery.Look(index, k == null ? 5 : k, similarity, readFilter(tag, identify.get("filter"), checkQuery));
        }
        String required = "requires [index], the name of a gallery such as [face-gallery]";
        Object index = identify.get("index");
        boolean isOther = index != null && index instanceof String == false;
        throw wrong(tag, "identify", isOther ? required + ", and not a value of type [" + index.getClass().getName() + "]" : required);
    }

    private static List<Map<String, Object>> readFilter(String tag, @Nullable Object value, Consumer<Map<String, Object>> checkQuery) {
        List<?> clauses = value == null ? List.of() : value instanceof List<?> list ? list : List.of(value);
        return clauses.stream().map(clause -> {
            if (clause instanceof Map<?, ?> query) {
                try {
                    Map<String, Object> read = strings(query);
                    checkQuery.accept(read);
                    return read;
                } catch (IllegalArgumentException | ElasticsearchException e) {
                    throw wrong(tag, "identify", "[filter] is not a query: " + e.getMessage());
                }
            }
            throw wrong(tag, "identify", "[filter] must be a query or an array of queries");
        }).toList();
    }

    private static Map<String, Object> strings(Map<?, ?> map) {
        Map<String, Object> copy = new HashMap<>();
        map.forEach((key, value) -> copy.put(String.valueOf(key), value));
        return copy;
    }

    private static ElasticsearchException wrong(String tag, @Nullable String within, String option, String reason) {
        return within == null ? wrong(tag, option, reason) : wrong(tag, within, "[" + option + "] " + reason);
    }

    private static ElasticsearchException wrong(String tag, String option, String reason) {
        return newConfigurationException(TYPE, tag, option, reason);
    }
}
