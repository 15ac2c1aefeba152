package org.ingestface;

import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.hash.MessageDigests;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;

/**
 * The ingest processor {@code face}: sends a document's photo to an endpoint and writes the faces into the document.
 *
 * <p>Asynchronous: the thread that calls it is free again at once. A document fails with status 429 when the endpoint cannot answer,
 * with 400 when it has no photo or, with {@code on_error: fail}, when its photo cannot be read. A document that fails is not changed.
 */
public final class FaceProcessor extends AbstractProcessor {

    /** The processor's name in a pipeline. */
    public static final String TYPE = "face";

    private final FaceOptions options;
    private final FaceClient client;
    private final Gallery gallery;
    private final Clock clock;

    FaceProcessor(String tag, String description, FaceOptions options, FaceClient client, Gallery gallery, Clock clock) {
        super(tag, description);
        this.options = options;
        this.client = client;
        this.gallery = gallery;
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

    FaceOptions options() {
        return options;
    }

    /** Called when a pipeline is PUT, and not when a node reads a stored one: a setting may be gone by then. */
    @Override
    public void extraValidation() {
        if (client.endpoints().get(options.endpoint()) == null) {
            throw new IllegalArgumentException(client.endpoints().notConfigured(options.endpoint()).message());
        }
    }

    @Override
    public void execute(IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        Object photo;
        boolean passes;
        try {
            photo = photo(document);
            passes = photo == null ? mayPassWithoutPhoto(document) : mayPassWithPhoto(document, photo);
            if (passes) {
                faces(document).renewNames();
            }
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        if (passes) {
            handler.accept(document, null);
        } else if (photo instanceof String base64) {
            find(base64, document, handler);
        } else if (photo instanceof byte[] bytes) {
            find(Base64.getEncoder().encodeToString(bytes), document, handler);
        } else if (holdsObject(photo)) {
            // Not kept, whatever on_error says: the mapping of a binary field refuses an object, and would hide our reason.
            handler.accept(null, photoError(notBase64(photo)));
        } else {
            finish(document, handler, () -> writeError(document, photo, notBase64(photo), null, 0));
        }
    }

    /** Null when there is none. A field in objects may also have come as a key with dots: Elasticsearch indexes both as one field. */
    @Nullable
    private Object photo(IngestDocument document) {
        Object there = document.getFieldValue(options.field(), Object.class, true);
        return there != null ? there : DottedPaths.get(document.getSource(), FaceOptions.path(options.field()));
    }

    private void removePhoto(IngestDocument document) {
        if (document.hasField(options.field())) {
            document.removeField(options.field());
        } else {
            DottedPaths.remove(document.getSource(), FaceOptions.path(options.field()));
        }
    }

    /**
     * A document that comes by again, as from {@code _reindex}, has its faces already and no photo any more.
     *
     * @throws IllegalArgumentException when there is neither a photo nor a reason to do without
     */
    private boolean mayPassWithoutPhoto(IngestDocument document) {
        FaceDocument known = faces(document);
        switch (known.known()) {
            case FACES -> checkModel(known);
            case FACES_WITHOUT_VECTORS -> throw new IllegalArgumentException(
                "document has faces but not their vectors, which Elasticsearch leaves out of [_source] by default; read it with "
                    + "[\"_source\": {\"exclude_vectors\": false}], or change it by a partial [_update]"
            );
            case NOTHING -> {
                if (options.ignoreMissing() == false) {
                    String field = options.field();
                    throw new IllegalArgumentException(
                        document.hasField(field)
                            ? "field [" + field + "] is null, cannot find faces."
                            : "field [" + field + "] not present as part of path [" + field + "]"
                    );
                }
            }
        }
        return true;
    }

    private void checkModel(FaceDocument known) {
        if (options.model() != null && options.model().equals(known.modelId()) == false) {
            throw new IllegalArgumentException(
                "document has faces of model [" + known.modelId() + "] but this pipeline is pinned to [" + options.model()
                    + "]; index the photo itself, or use an index of that model"
            );
        }
    }

    /** Whether the document's faces are those of this very photo and of this model: then they stay, with their labels. */
    private boolean mayPassWithPhoto(IngestDocument document, Object photo) {
        FaceDocument known = faces(document);
        if (options.override() || known.known() != FaceDocument.Known.FACES) {
            return false;
        }
        boolean sameModel = options.model() == null || options.model().equals(known.modelId());
        boolean passes = sameModel && hasFacesOf(photo, known);
        if (passes && options.removeBinary()) {
            removePhoto(document);
        }
        return passes;
    }

    private static boolean hasFacesOf(Object photo, FaceDocument known) {
        String sha256 = known.known() == FaceDocument.Known.NOTHING ? null : known.photoSha256();
        return sha256 != null && sha256.equals(sha256(photo));
    }

    /** Of the photo's bytes; null for what is not base64, which is the service's to say. */
    @Nullable
    private static String sha256(Object photo) {
        byte[] bytes;
        if (photo instanceof byte[] raw) {
            bytes = raw;
        } else {
            String text = Objects.toString(photo);
            try {
                // What stands before the comma of a data: URI is no part of the photo.
                bytes = Base64.getMimeDecoder().decode(text.startsWith("data:") ? text.substring(text.indexOf(',') + 1) : text);
            } catch (IllegalArgumentException e) {
                return null;
            }
        }
        return MessageDigests.toHexString(MessageDigests.sha256().digest(bytes));
    }

    private void find(String image, IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        FaceRequest request = new FaceRequest(image, options.model(), FaceRequest.Priority.INGEST, options.wanted());
        // Not ActionListener.wrap: it calls onFailure when onResponse throws, and so would answer the handler twice.
        client.find(options.endpoint(), request, new ActionListener<>() {
            @Override
            public void onResponse(FaceClient.Timed timed) {
                if (timed.answer() instanceof FaceAnswer.Faces found) {
                    FaceAnswer.PhotoError error = portraitError(found);
                    if (error == null) {
                        identify(found, timed.tookNanos(), document, handler);
                    } else {
                        finish(document, handler, () -> writeError(document, image, error, found.thumbnail(), timed.tookNanos()));
                    }
                } else {
                    FaceAnswer.PhotoError error = (FaceAnswer.PhotoError) timed.answer();
                    finish(document, handler, () -> writeError(document, image, error, null, timed.tookNanos()));
                }
            }

            @Override
            public void onFailure(Exception e) {
                boolean keeps = options.onUnavailable() == FaceOptions.OnUnavailable.KEEP && e instanceof EsRejectedExecutionException;
                if (keeps && hasFacesOf(image, faces(document)) == false) {
                    FaceAnswer.PhotoError error = new FaceAnswer.PhotoError("unavailable", e.getMessage());
                    finish(document, handler, () -> keepError(document, error, null, 0));
                } else {
                    handler.accept(null, e);
                }
            }
        });
    }

    /** Looks the faces up before anything is written, so that a document whose search fails is not changed. */
    private void identify(
        FaceAnswer.Faces found,
        long tookNanos,
        IngestDocument document,
        BiConsumer<IngestDocument, Exception> handler
    ) {
        if (options.identify() == null) {
            finish(document, handler, () -> writeFaces(document, found, null, tookNanos));
            return;
        }
        List<float[]> vectors = found.faces().stream().map(FaceAnswer.Face::vector).toList();
        // Once: it may have been answered already when a search cannot be sent, or when the handler itself fails.
        ActionListener<List<List<Gallery.Match>>> once = ActionListener.notifyOnce(new ActionListener<>() {
            @Override
            public void onResponse(List<List<Gallery.Match>> matches) {
                finish(document, handler, () -> writeFaces(document, found, matches, tookNanos));
            }

            @Override
            public void onFailure(Exception e) {
                handler.accept(null, e);
            }
        });
        ActionListener.run(once, listener -> gallery.look(options.identify(), found.modelId(), vectors, listener));
    }

    /** Answers the handler once, whatever the handler itself does. */
    private static void finish(IngestDocument document, BiConsumer<IngestDocument, Exception> handler, Runnable write) {
        try {
            write.run();
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        handler.accept(document, null);
    }

    private void writeFaces(
        IngestDocument document,
        FaceAnswer.Faces found,
        @Nullable List<List<Gallery.Match>> matches,
        long tookNanos
    ) {
        checkRoom(document);
        if (options.removeBinary()) {
            removePhoto(document);
        }
        faces(document).writeFaces(found, matches, tookNanos, clock.instant());
    }

    /** Faces of this very photo, looked at again, are not given up for an error: a person may have labelled them. */
    private void writeError(
        IngestDocument document,
        Object photo,
        FaceAnswer.PhotoError error,
        @Nullable String thumbnail,
        long tookNanos
    ) {
        if (options.onError() == FaceOptions.OnError.FAIL || hasFacesOf(photo, faces(document))) {
            throw photoError(error);
        }
        keepError(document, error, thumbnail, tookNanos);
    }

    private void keepError(IngestDocument document, FaceAnswer.PhotoError error, @Nullable String thumbnail, long tookNanos) {
        checkRoom(document);
        faces(document).writeError(error.code(), error.message(), thumbnail, tookNanos, clock.instant());
    }

    /** Null when the photo has as many faces as are wanted. */
    @Nullable
    private FaceAnswer.PhotoError portraitError(FaceAnswer.Faces found) {
        int count = found.faces().size();
        if (options.singleFace() == false || count == 1) {
            return null;
        }
        String none = options.wanted().takesAnyFace()
            ? "no face found; take a photo that shows one face upright and from the front"
            : "no face found that [min_confidence] and [min_quality] let pass; take a better photo that shows one face";
        return count == 0
            ? new FaceAnswer.PhotoError("no_face", none)
            : new FaceAnswer.PhotoError(
                "several_faces",
                "[" + count + "] faces found where one is wanted; crop the photo, or let [max_faces: 1] take the largest face"
            );
    }

    /** @throws IllegalArgumentException when something that is not an object is where the fields should go */
    private void checkRoom(IngestDocument document) {
        String target = options.targetField();
        for (int dot = 0; target != null && dot >= 0;) {
            dot = target.indexOf('.', dot + 1);
            checkObject(document, dot < 0 ? target : target.substring(0, dot), "[target_field] [" + target + "] into it.");
        }
        String prefix = target == null ? "" : target + ".";
        checkObject(document, prefix + "model", "[" + prefix + "model.id] into it; choose a [target_field].");
        checkObject(document, prefix + "photo", "[" + prefix + "photo.width] into it; choose a [target_field].");
    }

    private static void checkObject(IngestDocument document, String path, String what) {
        Object there = DottedPaths.get(document.getSource(), path);
        if (there != null && there instanceof Map<?, ?> == false) {
            throw new IllegalArgumentException(
                "field [" + path + "] of type [" + there.getClass().getName() + "] is not an object, cannot write " + what
            );
        }
    }

    private FaceDocument faces(IngestDocument document) {
        return new FaceDocument(document.getSource(), options.targetField(), options.singleFace());
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
        private final Supplier<Gallery> gallery;

        /**
         * @param client  asked for when a processor is made: pipelines come after the node's start, factories before it
         * @param gallery likewise
         */
        Factory(Supplier<FaceClient> client, Supplier<Gallery> gallery) {
            this.client = client;
            this.gallery = gallery;
        }

        @Override
        FaceProcessor create(String tag, String description, Map<String, Object> config) {
            FaceOptions options = FaceOptions.read(tag, config, query -> gallery.get().check(query));
            return new FaceProcessor(tag, description, options, client.get(), gallery.get(), Clock.systemUTC());
        }
    }
}
