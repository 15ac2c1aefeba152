package org.ingestface;

import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.ConfigurationUtils;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;

/**
 * The ingest processor {@code face}: sends a document's photo to an endpoint and writes the faces into the document.
 *
 * <p>Asynchronous: the thread that calls it is free again at once. A document fails with status 429 when the endpoint cannot answer,
 * with 400 when it has no photo or, with {@code on_error: fail}, when its photo cannot be read.
 */
public final class FaceProcessor extends AbstractProcessor {

    /** The processor's name in a pipeline. */
    public static final String TYPE = "face";

    /** What becomes of a document whose photo cannot be read. */
    enum OnError {
        /** It is stored with its photo and {@code error.code}. */
        KEEP,
        /** It is refused with status 400, and {@code on_failure} handlers see it. */
        FAIL;

        static OnError read(String tag, Map<String, Object> config) {
            String value = ConfigurationUtils.readStringProperty(TYPE, tag, config, "on_error", "keep");
            return switch (value) {
                case "keep" -> KEEP;
                case "fail" -> FAIL;
                default -> throw ConfigurationUtils.newConfigurationException(
                    TYPE,
                    tag,
                    "on_error",
                    "illegal on_error option [" + value + "]. valid values are " + validValues()
                );
            };
        }

        private static List<String> validValues() {
            return List.of(values()).stream().map(value -> value.name().toLowerCase(Locale.ROOT)).toList();
        }
    }

    /**
     * The processor's options, as a pipeline gives them.
     *
     * @param model the exact model id that vectors must be of; null for whichever the endpoint has
     */
    record Options(String field, String endpoint, @Nullable String model, boolean removeBinary, boolean ignoreMissing, OnError onError) {

        /** Takes the known options out of {@code config}; Elasticsearch refuses what is left. */
        static Options read(String tag, Map<String, Object> config) {
            return new Options(
                readField(tag, config),
                ConfigurationUtils.readStringProperty(TYPE, tag, config, "endpoint", "default"),
                ConfigurationUtils.readOptionalStringProperty(TYPE, tag, config, "model"),
                ConfigurationUtils.readBooleanProperty(TYPE, tag, config, "remove_binary", true),
                ConfigurationUtils.readBooleanProperty(TYPE, tag, config, "ignore_missing", false),
                OnError.read(tag, config)
            );
        }

        /** Refuses a field whose photo would be overwritten or removed by what is found in it. */
        private static String readField(String tag, Map<String, Object> config) {
            String field = ConfigurationUtils.readStringProperty(TYPE, tag, config, "field", "image");
            // The same spellings of a path as in IngestDocument, which drops this prefix and dots at the end.
            String path = String.join(".", (field.startsWith("_source.") ? field.substring("_source.".length()) : field).split("\\."));
            String written = FaceDocument.writtenAt(path);
            if (written != null) {
                throw ConfigurationUtils.newConfigurationException(
                    TYPE,
                    tag,
                    "field",
                    "cannot be [" + field + "]: the processor writes [" + written + "] itself. choose another field such as [image]"
                );
            }
            return field;
        }
    }

    private final Options options;
    private final FaceClient client;
    private final Clock clock;

    FaceProcessor(String tag, String description, Options options, FaceClient client, Clock clock) {
        super(tag, description);
        this.options = options;
        this.client = client;
        this.clock = clock;
    }

    @Override
    public String getType() {
        return TYPE;
    }

    @Override
    public boolean isAsync() {
        return true;
    }

    Options options() {
        return options;
    }

    @Override
    public void execute(IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        Object photo;
        try {
            photo = document.getFieldValue(options.field(), Object.class, true);
            if (photo == null) {
                admitWithoutPhoto(document);
            }
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        if (photo == null) {
            handler.accept(document, null);
        } else if (photo instanceof String base64) {
            find(base64, document, handler);
        } else if (photo instanceof byte[] bytes) {
            find(Base64.getEncoder().encodeToString(bytes), document, handler);
        } else if (holdsObject(photo)) {
            // Not kept, whatever on_error says: the mapping of a binary field refuses an object, and would hide our reason.
            handler.accept(null, photoError(notBase64(photo)));
        } else {
            finish(document, new FaceClient.Timed(notBase64(photo), 0), handler);
        }
    }

    private void find(String image, IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        FaceRequest request = new FaceRequest(image, options.model(), FaceRequest.Priority.INGEST);
        // Not ActionListener.wrap: it calls onFailure when onResponse throws, and so would answer the handler twice.
        client.find(options.endpoint(), request, new ActionListener<>() {
            @Override
            public void onResponse(FaceClient.Timed answer) {
                finish(document, answer, handler);
            }

            @Override
            public void onFailure(Exception e) {
                handler.accept(null, e);
            }
        });
    }

    /** Writes the answer and answers the handler, after which the document is no longer ours to touch. */
    private void finish(IngestDocument document, FaceClient.Timed answer, BiConsumer<IngestDocument, Exception> handler) {
        Exception failure = null;
        try {
            write(document, answer);
        } catch (Exception e) {
            failure = e;
        }
        handler.accept(failure == null ? document : null, failure);
    }

    private void write(IngestDocument document, FaceClient.Timed answer) {
        FaceDocument target = new FaceDocument(document.getSource());
        if (answer.answer() instanceof FaceAnswer.Faces found) {
            if (options.removeBinary()) {
                document.removeField(options.field());
            }
            target.writeFaces(found, answer.tookNanos(), clock.instant());
        } else if (answer.answer() instanceof FaceAnswer.PhotoError error) {
            if (options.onError() == OnError.FAIL) {
                throw photoError(error);
            }
            target.writeError(error.code(), error.message(), answer.tookNanos(), clock.instant());
        }
    }

    /**
     * A document that comes by again, as from {@code _reindex}, has its faces already and no photo any more.
     *
     * @throws IllegalArgumentException when there is neither a photo nor a reason to do without
     */
    private void admitWithoutPhoto(IngestDocument document) {
        FaceDocument known = new FaceDocument(document.getSource());
        if (known.hasFaces()) {
            if (options.model() != null && options.model().equals(known.modelId()) == false) {
                throw new IllegalArgumentException(
                    "document has faces of model [" + known.modelId() + "] but this pipeline is pinned to [" + options.model()
                        + "]; index the photo itself, or use an index of that model"
                );
            }
        } else if (options.ignoreMissing() == false) {
            String field = options.field();
            throw new IllegalArgumentException(
                document.hasField(field)
                    ? "field [" + field + "] is null, cannot find faces."
                    : "field [" + field + "] not present as part of path [" + field + "]"
            );
        }
    }

    private static boolean holdsObject(Object value) {
        return value instanceof Map<?, ?> || value instanceof List<?> list && list.stream().anyMatch(FaceProcessor::holdsObject);
    }

    private FaceAnswer.PhotoError notBase64(Object photo) {
        String message = "field [" + options.field() + "] of type [" + photo.getClass().getName() + "] is not a base64 string";
        return new FaceAnswer.PhotoError("not_base64", photo instanceof List<?> ? message + "; send one photo a document" : message);
    }

    /** The photo's fault where it cannot be kept as a field: status 400. */
    static ElasticsearchStatusException photoError(FaceAnswer.PhotoError error) {
        // Made of a parameter, because the message may hold braces, which the constructor would take for placeholders.
        return new ElasticsearchStatusException("{}", RestStatus.BAD_REQUEST, "[" + error.code() + "] " + error.message());
    }

    /** Makes processors from a pipeline's options. */
    public static final class Factory extends VersionedProcessorFactory {

        private final Supplier<FaceClient> client;

        /** @param client asked for when a processor is made: pipelines come after the node's start, factories before it */
        Factory(Supplier<FaceClient> client) {
            this.client = client;
        }

        @Override
        FaceProcessor create(String tag, String description, Map<String, Object> config) {
            return new FaceProcessor(tag, description, Options.read(tag, config), client.get(), Clock.systemUTC());
        }
    }
}
