package org.ingestface.document;

import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.rest.RestStatus;
import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.endpoint.FaceClient;
import org.ingestface.endpoint.FaceRequest;
import org.ingestface.rights.FaceRights;
import org.ingestface.search.Gallery;

/**
 * The ingest processor {@code face}: sends a document's photo to an endpoint and writes the faces into the document.
 *
 * <p>It is asynchronous, so the calling thread is not blocked. A document fails with status 429 if the endpoint cannot answer, and with
 * 400 if it has no photo or, with {@code on_error: fail}, if its photo cannot be read. A document that fails is not changed.
 */
public final class FaceProcessor extends AbstractProcessor {

    /** The processor's name in a pipeline. */
    public static final String TYPE = "face";

    private final FaceOptions options;
    private final PhotoField photoField;
    private final FaceClient client;
    private final Gallery gallery;
    private final FaceRights rights;
    private final Clock clock;

    private FaceProcessor(
        String tag,
        String description,
        FaceOptions options,
        FaceClient client,
        Gallery gallery,
        FaceRights rights,
        Clock clock
    ) {
        super(tag, description);
        this.options = options;
        this.photoField = new PhotoField(options.field());
        this.client = client;
        this.gallery = gallery;
        this.rights = rights;
        this.clock = clock;
    }

    @Override
    public String getType() {
        return TYPE;
    }

    public FaceOptions options() {
        return options;
    }

    /** Removes from a document's source its photo and what the processor writes about it, but not what waits in {@code unplaced}. */
    public void removeFaces(Map<String, Object> source) {
        DottedPaths.remove(source, options.photoPath());
        new FaceDocument(source, options.targetField(), options.singleFace()).removeFaces();
    }

    @Override
    public boolean isAsync() {
        return true;
    }

    /** Called when a pipeline is PUT, but not when a node reads a stored one, since the endpoint may have been removed by then. */
    @Override
    public void extraValidation() {
        client.requireConfigured(options.endpoint());
    }

    @Override
    public void execute(IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        Object photo;
        boolean isComplete;
        try {
            faces(document).checkFaces();
            photo = photoField.get(document);
            isComplete = photo == null ? isCompleteWithoutPhoto(document) : hasFacesOfPhoto(document, photo);
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        if (isComplete == false) {
            process(photo, document, handler);
        } else if (faces(document).state() == FaceDocument.State.NO_FACES) {
            handler.accept(document, null);
        } else {
            keepFaces(photo, document, handler);
        }
    }

    /** Lets a document pass with the faces that it brings, if the caller may write them; else its photo is processed, if it has one. */
    private void keepFaces(@Nullable Object photo, IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        List<String> field = List.of(options.written(options.singleFace() ? "face" : "faces"));
        rights.require(document.getMetadata().getIndex(), field, new ActionListener<>() {
            @Override
            public void onResponse(Void granted) {
                finish(document, handler, () -> {
                    if (photo != null && options.removeBinary()) {
                        photoField.remove(document);
                    }
                    faces(document).followEdits();
                });
            }

            @Override
            public void onFailure(Exception e) {
                if (photo != null && ExceptionsHelper.status(e) == RestStatus.FORBIDDEN) {
                    process(photo, document, handler);
                } else {
                    handler.accept(null, e);
                }
            }
        });
    }

    private void process(Object photo, IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        if (photo instanceof String base64) {
            findFaces(base64, document, handler);
        } else if (photo instanceof byte[] bytes) {
            findFaces(Base64.getEncoder().encodeToString(bytes), document, handler);
        } else if (PhotoField.containsObject(photo)) {
            // Fails whatever on_error says: a binary field cannot be an object, and the error of the mapping would hide this one.
            handler.accept(null, photoField.notBase64(photo).exception());
        } else {
            finish(document, handler, () -> writeError(document, photo, photoField.notBase64(photo), null, 0));
        }
    }

    /**
     * Whether a document without a photo needs nothing, such as one from {@code _reindex}, which has its faces already.
     *
     * @throws IllegalArgumentException if it has neither a photo nor faces of the right model, and cannot be ignored
     */
    private boolean isCompleteWithoutPhoto(IngestDocument document) {
        FaceDocument stored = faces(document);
        switch (stored.state()) {
            case FACES -> checkModel(stored);
            case FACES_WITHOUT_VECTORS -> throw new IllegalArgumentException(
                "document has faces but not their vectors, which Elasticsearch leaves out of [_source] by default; read it with "
                    + "[\"_source\": {\"exclude_vectors\": false}], or change it by a partial [_update]"
            );
            case NO_FACES -> {
                if (options.ignoreMissing() == false) {
                    throw photoField.missing(document);
                }
            }
        }
        return true;
    }

    private void checkModel(FaceDocument stored) {
        if (options.model() != null && options.model().equals(stored.modelId()) == false) {
            throw new IllegalArgumentException(
                "document has faces of model [" + stored.modelId() + "] but this pipeline is pinned to [" + options.model()
                    + "]; index the photo itself, or use an index of that model"
            );
        }
    }

    /** Whether the document has the faces of this very photo and of this model: then they stay, with their labels. */
    private boolean hasFacesOfPhoto(IngestDocument document, Object photo) {
        FaceDocument stored = faces(document);
        if (options.override() || stored.state() != FaceDocument.State.FACES) {
            return false;
        }
        boolean sameModel = options.model() == null || options.model().equals(stored.modelId());
        return sameModel && isOfPhoto(stored, photo);
    }

    private static boolean isOfPhoto(FaceDocument stored, Object photo) {
        String sha256 = stored.state() == FaceDocument.State.NO_FACES ? null : stored.photoSha256();
        return sha256 != null && sha256.equals(PhotoField.sha256(photo));
    }

    private void findFaces(String image, IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        FaceDocument stored = faces(document);
        List<Map<String, Integer>> drawn = isOfPhoto(stored, image) ? stored.drawnBoxes() : List.of();
        String field = options.written("faces");
        DrawnBoxes.allowed(drawn, rights, document.getMetadata().getIndex(), field, new ActionListener<>() {
            @Override
            public void onResponse(List<Map<String, Integer>> boxes) {
                findFaces(image, boxes, document, handler);
            }

            @Override
            public void onFailure(Exception e) {
                handler.accept(null, e);
            }
        });
    }

    private void findFaces(
        String image,
        List<Map<String, Integer>> boxes,
        IngestDocument document,
        BiConsumer<IngestDocument, Exception> handler
    ) {
        FaceRequest request = new FaceRequest(image, options.model(), FaceRequest.Priority.INGEST, options.limits(), boxes);
        // Not ActionListener.wrap: it calls onFailure if onResponse throws, and so could answer the handler twice.
        client.find(options.endpoint(), request, new ActionListener<>() {
            @Override
            public void onResponse(FaceClient.TimedAnswer timed) {
                if (timed.answer() instanceof FaceAnswer.Faces found) {
                    FaceAnswer.PhotoError error = options.singleFaceError(found);
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
                boolean keep = options.onUnavailable() == FaceOptions.OnUnavailable.KEEP && e instanceof EsRejectedExecutionException;
                if (keep && isOfPhoto(faces(document), image) == false) {
                    FaceAnswer.PhotoError error = new FaceAnswer.PhotoError("unavailable", e.getMessage());
                    finish(document, handler, () -> keepWithError(document, error, null, 0));
                } else {
                    handler.accept(null, e);
                }
            }
        });
    }

    /** Searches the gallery before anything is written, so that a document whose search fails is not changed. */
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
        // Notified once, because find may throw after the listener was called, or because the handler throws.
        ActionListener<List<List<Gallery.Candidate>>> once = ActionListener.notifyOnce(new ActionListener<>() {
            @Override
            public void onResponse(List<List<Gallery.Candidate>> candidates) {
                finish(document, handler, () -> writeFaces(document, found, candidates, tookNanos));
            }

            @Override
            public void onFailure(Exception e) {
                handler.accept(null, e);
            }
        });
        ActionListener.run(once, listener -> gallery.find(options.identify(), document, found.model().id(), vectors, listener));
    }

    /** Answers the handler once, even if the handler itself throws. What the document has then is the processor's. */
    private void finish(IngestDocument document, BiConsumer<IngestDocument, Exception> handler, Runnable write) {
        try {
            write.run();
            PathField.copy(options.pathField(), document.getSource());
            Seal.set(document, options.targetField(), options.singleFace());
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        handler.accept(document, null);
    }

    private void writeFaces(
        IngestDocument document,
        FaceAnswer.Faces found,
        @Nullable List<List<Gallery.Candidate>> candidates,
        long tookNanos
    ) {
        faces(document).checkWritable();
        if (options.removeBinary()) {
            photoField.remove(document);
        }
        faces(document).writeFaces(found, candidates, tookNanos, clock.instant());
    }

    /** Fails instead if the document has faces of this very photo: the error would replace them, and a person may have labelled them. */
    private void writeError(
        IngestDocument document,
        Object photo,
        FaceAnswer.PhotoError error,
        @Nullable String thumbnail,
        long tookNanos
    ) {
        if (options.onError() == FaceOptions.OnError.FAIL || isOfPhoto(faces(document), photo)) {
            throw error.exception();
        }
        keepWithError(document, error, thumbnail, tookNanos);
    }

    private void keepWithError(IngestDocument document, FaceAnswer.PhotoError error, @Nullable String thumbnail, long tookNanos) {
        faces(document).checkWritable();
        faces(document).writeError(error, thumbnail, tookNanos, clock.instant());
    }

    private FaceDocument faces(IngestDocument document) {
        return new FaceDocument(document.getSource(), options.targetField(), options.singleFace());
    }

    /** Makes processors from a pipeline's options. */
    public static final class Factory extends VersionedProcessorFactory {

        private final Supplier<FaceClient> client;
        private final Supplier<Gallery> gallery;
        private final Supplier<FaceRights> rights;

        /**
         * @param client  used when a processor is made, after the node's start; the factory itself is made before it
         * @param gallery likewise
         * @param rights  likewise
         */
        public Factory(Supplier<FaceClient> client, Supplier<Gallery> gallery, Supplier<FaceRights> rights) {
            this.client = client;
            this.gallery = gallery;
            this.rights = rights;
        }

        @Override
        FaceProcessor create(String tag, String description, Map<String, Object> config) {
            FaceOptions options = FaceOptions.read(tag, config, query -> gallery.get().checkQuery(query));
            return new FaceProcessor(tag, description, options, client.get(), gallery.get(), rights.get(), Clock.systemUTC());
        }
    }
}
