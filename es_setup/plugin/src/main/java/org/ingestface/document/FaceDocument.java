package org.ingestface.document;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.search.Gallery;

/**
 * The fields that the processor reads and writes in a document.
 *
 * <p>There are two kinds. The processor's own ({@code faces}, {@code face_count}, {@code unnamed_faces}, {@code best_quality},
 * {@code model}, {@code photo}, {@code thumbnail}, {@code error}) describe one photo. They are removed before each writing, since they may
 * describe another photo. The shared ones ({@code file}, {@code event}, {@code person}, {@code tags}, {@code @timestamp}) may hold values
 * of the sender: the processor adds to them where their shape permits, and otherwise leaves them alone.
 *
 * <p>With a target all of them lie in one object, as for an index that has a {@code tags} or {@code file} of its own.
 */
final class FaceDocument {

    /** The state of a document before the processor changes it. */
    enum State {
        /** It lacks faces or their model, so it was not processed or had an error. */
        NO_FACES,
        /** It has its faces, perhaps none, and their model. */
        FACES,
        /** It has its faces but not their vectors, as in a {@code _source} of Elasticsearch 9. */
        FACES_WITHOUT_VECTORS
    }

    private static final String NO_FACE = "no_face";
    /** The fields of {@code photo} that the processor writes. Any other is the sender's, such as a caption or even the image. */
    private static final List<String> PHOTO = List.of("width", "height", "taken", "fingerprint");
    private static final List<String> OWN = Stream.concat(
        Stream.of("face_count", "best_quality", "thumbnail", "error", "model.id", "model.digest"),
        PHOTO.stream().map(name -> "photo." + name)
    ).toList();
    private static final List<String> OWN_OF_FACES = List.of("faces", "unnamed_faces", "best_similarity");
    private static final List<String> OWN_OF_SINGLE_FACE = List.of("vector", "face");
    private static final List<String> FILE = List.of("file.size", "file.mime_type", "file.hash.sha256");

    private final Map<String, Object> source;
    @Nullable
    private final String target;
    private final boolean single;
    private final DocumentFields fields;
    private final EventFields event;

    /**
     * @param source changed in place
     * @param target path of the object that all fields lie in; null for the top of the document
     * @param single whether the document has one face, whose vector is not nested
     */
    FaceDocument(Map<String, Object> source, @Nullable String target, boolean single) {
        this.source = source;
        this.target = target;
        this.single = single;
        this.fields = new DocumentFields(source, target);
        this.event = new EventFields(fields);
    }

    /** A field that the processor writes or removes and that is at, below or above {@code path}; null if there is none. */
    @Nullable
    String writtenAt(String path) {
        return Stream.of(ownFields(), FILE, EventFields.NAMES, List.of("tags"))
            .flatMap(List::stream)
            .map(fields::path)
            .filter(field -> (field + ".").startsWith(path + ".") || path.startsWith(field + "."))
            .findFirst()
            .orElse(null);
    }

    /** @throws IllegalArgumentException if a value that is not an object is where the target, {@code model} or {@code photo} should be */
    void checkWritable() {
        for (int dot = 0; target != null && dot >= 0;) {
            dot = target.indexOf('.', dot + 1);
            checkObject(dot < 0 ? target : target.substring(0, dot), "[target_field] [" + target + "] into it.");
        }
        checkObject(fields.path("model"), "[" + fields.path("model.id") + "] into it; choose a [target_field].");
        checkObject(fields.path("photo"), "[" + fields.path("photo.width") + "] into it; choose a [target_field].");
    }

    private void checkObject(String path, String written) {
        Object value = DottedPaths.get(source, path);
        if (value != null && value instanceof Map<?, ?> == false) {
            throw new IllegalArgumentException(
                "field [" + path + "] of type [" + value.getClass().getName() + "] is not an object, cannot write " + written
            );
        }
    }

    State state() {
        if (modelId() == null) {
            return State.NO_FACES;
        }
        if (single) {
            boolean hadFace = fields.get("face") instanceof Map<?, ?>;
            return fields.get("vector") instanceof List<?> ? State.FACES : hadFace ? State.FACES_WITHOUT_VECTORS : State.NO_FACES;
        }
        if (fields.get("faces") instanceof List<?> faces) {
            boolean complete = faces.stream().allMatch(face -> face instanceof Map<?, ?> entry && DottedPaths.get(entry, "vector") != null);
            return complete ? State.FACES : State.FACES_WITHOUT_VECTORS;
        }
        return State.NO_FACES;
    }

    @Nullable
    String modelId() {
        return Objects.toString(fields.get("model.id"), null);
    }

    /** Of the photo that the stored faces come from. */
    @Nullable
    String photoSha256() {
        return Objects.toString(fields.get("file.hash.sha256"), null);
    }

    /**
     * Writes the faces that the service found.
     *
     * @param candidates for each face, most similar first; null without {@code identify}
     * @param tookNanos  duration of the endpoint's answer
     * @param now        the time of the ingest
     */
    void writeFaces(FaceAnswer.Faces found, @Nullable List<List<Gallery.Candidate>> candidates, long tookNanos, Instant now) {
        boolean samePhoto = Objects.equals(photoSha256(), found.file().sha256());
        List<?> before = samePhoto && fields.get("faces") instanceof List<?> list ? list : List.of();
        Object sent = removeOtherPhotosFields(found.file().sha256());
        removeOwnFields();
        List<Map<String, Object>> entries = FaceEntries.of(found, before, personName());
        if (candidates != null) {
            fields.set("best_similarity", FaceEntries.addCandidates(entries, candidates));
        }
        if (single) {
            fields.set("vector", entries.get(0).remove("vector"));
            fields.set("face", entries.get(0));
        } else {
            fields.set("faces", entries);
            writeNames(entries);
        }
        fields.set("face_count", entries.size());
        found.faces()
            .stream()
            .map(FaceAnswer.Face::qualityScore)
            .filter(Objects::nonNull)
            .max(Double::compare)
            .ifPresent(best -> fields.set("best_quality", best));
        fields.set("model.id", found.modelId());
        fields.set("model.digest", found.modelDigest());
        PHOTO.forEach(name -> fields.set("photo." + name, found.photo().get(name)));
        fields.set("thumbnail", found.thumbnail());
        fields.setIfAbsent("file.size", found.file().size());
        fields.setIfAbsent("file.mime_type", found.file().mimeType());
        // Always overwritten: it must be the hash of the photo that these faces come from.
        fields.replace("file.hash.sha256", found.file().sha256());
        if (entries.isEmpty()) {
            fields.addTag(NO_FACE);
        }
        event.write("success", found.photo().get("taken") instanceof String taken ? taken : null, sent, tookNanos, now);
    }

    /**
     * Writes why there are no faces. The photo itself stays, so that nothing is lost.
     *
     * @param thumbnail null if the photo could not be read
     */
    void writeError(FaceAnswer.PhotoError error, @Nullable String thumbnail, long tookNanos, Instant now) {
        Object sent = removeOtherPhotosFields(null);
        removeOwnFields();
        fields.set("error.code", error.code());
        fields.set("error.message", error.message());
        fields.set("thumbnail", thumbnail);
        event.write("failure", null, sent, tookNanos, now);
    }

    /** Updates label and number of unnamed faces, since a person may have named a face or the photo after the faces were written. */
    void updateNames() {
        if (single == false && state() == State.FACES) {
            writeNames((List<?>) fields.get("faces"));
        }
    }

    private void writeNames(List<?> faces) {
        FaceEntries.addPhotosLabel(faces, personName());
        fields.replace("unnamed_faces", FaceEntries.countUnnamed(faces, personName()));
    }

    /** The sender's name of the photo, at the top of the document whatever the target is. */
    @Nullable
    private Object personName() {
        return DottedPaths.get(source, "person.name");
    }

    /**
     * Removes from the shared fields what describes the photo of an earlier run, if that was another one. After a successful run
     * {@code file} describes the photo with the stored hash; a failed run wrote nothing to {@code file}.
     *
     * @param sha256 of the photo now; null if it cannot be read, and so is another one than that of the stored faces
     * @return the sender's own {@code @timestamp}; null if there is none, or if it may be ours
     */
    @Nullable
    private Object removeOtherPhotosFields(@Nullable String sha256) {
        EarlierRun earlier = earlierRun(sha256);
        Object sent = event.sentTimestamp(earlier);
        if (earlier == EarlierRun.OTHER_PHOTO) {
            if (sent == null) {
                fields.remove("@timestamp");
            }
            if (state() != State.NO_FACES) {
                FILE.forEach(fields::remove);
            }
        }
        return sent;
    }

    private EarlierRun earlierRun(@Nullable String sha256) {
        if (state() != State.NO_FACES) {
            String before = photoSha256();
            return before == null || before.equals(sha256) ? EarlierRun.SAME_PHOTO : EarlierRun.OTHER_PHOTO;
        }
        return fields.get("error.code") != null && event.isFailure() ? EarlierRun.OTHER_PHOTO : EarlierRun.NONE;
    }

    void removeOwnFields() {
        ownFields().forEach(fields::remove);
        fields.removeTag(NO_FACE);
    }

    private List<String> ownFields() {
        return Stream.concat(OWN.stream(), (single ? OWN_OF_SINGLE_FACE : OWN_OF_FACES).stream()).toList();
    }
}
