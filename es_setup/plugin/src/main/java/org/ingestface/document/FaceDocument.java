package org.ingestface.document;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.common.Names;
import org.ingestface.endpoint.FaceAnswer;
import org.ingestface.search.Gallery;

/**
 * The fields that the processor reads and writes in a document.
 *
 * <p>There are two kinds. The processor's own ({@code faces}, {@code face_count}, {@code unnamed_faces}, {@code best_quality},
 * {@code model}, {@code photo}, {@code thumbnail}, {@code error}) describe one photo. They are removed before each writing, since they may
 * describe another photo; what people said about faces is carried over ({@link Decisions}). The shared ones ({@code file},
 * {@code event}, {@code person}, {@code tags}, {@code @timestamp}) may hold values of the sender: the processor adds to them where their
 * shape permits, and otherwise leaves them alone.
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

    /** Elasticsearch's default of {@code index.mapping.nested_objects.limit}. Each is compared with each face that is found. */
    private static final int MAX_FACES = 10_000;
    private static final String NO_FACE = "no_face";
    private static final List<String> FILE_NAMES = List.of("file.path", "file.name");
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
        return Stream.of(MachineFields.own(single), FILE, EventFields.NAMES, List.of("tags"))
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

    /**
     * @throws IllegalArgumentException if a key such as {@code faces.label.name} is beside the faces: it names none of them; or if there
     *                                  are more faces than Elasticsearch stores in one document
     */
    void checkFaces() {
        for (String field : List.of("faces", MachineFields.UNPLACED)) {
            if (fields.get(field) instanceof List<?> list && list.size() > MAX_FACES) {
                throw new IllegalArgumentException(
                    "field [" + fields.path(field) + "] has [" + list.size() + "] entries, more than the [" + MAX_FACES
                        + "] of a document; send fewer"
                );
            }
        }
        Object holder = target == null ? source : DottedPaths.get(source, target);
        if (single == false && storedFaces() != null && holder instanceof Map<?, ?> object) {
            object.forEach((key, value) -> {
                if (value != null && key.toString().startsWith("faces.")) {
                    throw new IllegalArgumentException(
                        "field [" + fields.path(key.toString()) + "] does not say which face it is about; send the array ["
                            + fields.path("faces") + "] with all of its entries, and the change in one of them"
                    );
                }
            });
        }
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
        List<?> faces = storedFaces();
        if (faces != null) {
            boolean complete = faces.stream().allMatch(face -> face instanceof Map<?, ?> entry && DottedPaths.get(entry, "vector") != null);
            return complete ? State.FACES : State.FACES_WITHOUT_VECTORS;
        }
        return State.NO_FACES;
    }

    /** Null if the document has none. A synthetic {@code _source} has one face as an object, and leaves out an empty array. */
    @Nullable
    private List<?> storedFaces() {
        Object faces = fields.get("faces");
        if (faces instanceof List<?> list) {
            return list;
        }
        boolean isEmpty = faces == null && fields.get("face_count") instanceof Number count && count.intValue() == 0;
        return faces instanceof Map<?, ?> ? List.of(faces) : isEmpty ? List.of() : null;
    }

    /** Where people drew boxes around faces of the photo, for the same photo: what else the service finds, it finds by itself. */
    List<Map<String, Integer>> drawnBoxes() {
        return single ? List.of() : DrawnBoxes.of(storedFaces(), fields.get("photo.width"), fields.get("photo.height"));
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
        tidyNames();
        Decisions decisions = decisions();
        Object sent = removeOtherPhotosFields(found.file().sha256());
        removeWritten();
        List<Map<String, Object>> entries = FaceEntries.of(found, decisions.place(found, samePhoto));
        if (candidates != null) {
            FaceEntries.addCandidates(entries, candidates);
        }
        int foundCount = FaceEntries.foundByTheService(entries);
        fields.set(MachineFields.FACES_FOUND, foundCount);
        fields.set("face_count", entries.size());
        fields.set("best_quality", FaceEntries.highest(entries, "quality.score"));
        if (single) {
            fields.set("vector", entries.get(0).remove("vector"));
            fields.set("face", entries.get(0));
        } else {
            fields.set("best_similarity", FaceEntries.highest(entries, "best_similarity"));
            fields.set("faces", entries);
            writeNames(entries, foundCount);
        }
        fields.set(MachineFields.UNPLACED, decisions.unplaced());
        fields.set("model.id", found.model().id());
        fields.set("model.digest", found.model().digest());
        fields.set("model.precision", found.model().precision());
        MachineFields.PHOTO.forEach(name -> fields.set("photo." + name, found.photo().get(name)));
        fields.set("thumbnail", found.thumbnail());
        fields.setIfAbsent("file.size", found.file().size());
        fields.setIfAbsent("file.mime_type", found.file().mimeType());
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
        tidyNames();
        Decisions decisions = decisions();
        Object sent = removeOtherPhotosFields(null);
        removeWritten();
        fields.set(MachineFields.UNPLACED, decisions.unplaced());
        fields.set("error.code", error.code());
        fields.set("error.message", error.message());
        fields.set("thumbnail", thumbnail);
        event.write("failure", null, sent, tookNanos, now);
    }

    /** Lets labels and numbers follow what a person changed in a document that has its faces: an entry, a label, the photo's name. */
    void followEdits() {
        if (state() != State.FACES) {
            return;
        }
        tidyNames();
        if (fields.get(MachineFields.UNPLACED) != null) {
            List<Map<String, Object>> unplaced = NameFields.tidyEntries(fields.get(MachineFields.UNPLACED));
            fields.replace(MachineFields.UNPLACED, unplaced.isEmpty() ? null : unplaced);
        }
        if (single) {
            NameFields.tidyEntries(fields.get("face")).forEach(face -> fields.set("face", face));
            return;
        }
        List<Map<String, Object>> entries = NameFields.tidyEntries(storedFaces());
        int found = facesFound(entries);
        fields.set("faces", entries);
        fields.replace(MachineFields.FACES_FOUND, found);
        writeNames(entries, found);
        int before = fields.get("face_count") instanceof Number count ? count.intValue() : entries.size();
        fields.replace("face_count", entries.size());
        fields.replace("best_quality", FaceEntries.highest(entries, "quality.score"));
        if (before != entries.size()) {
            fields.replace("best_similarity", FaceEntries.highest(entries, "best_similarity"));
            fields.removeTag(NO_FACE);
            if (entries.isEmpty()) {
                fields.addTag(NO_FACE);
            }
        }
    }

    /** @param found how many faces the service found in the photo: only in a photo of one face its name says whom the face shows */
    private void writeNames(List<Map<String, Object>> entries, int found) {
        String photosName = FaceEntries.isLone(entries, found) ? NameFields.person(source) : null;
        if (photosName != null) {
            NameFields.addPhotosLabel(entries.get(0), photosName);
        }
        NameFields.leaveGroups(entries);
        fields.replace("unnamed_faces", photosName == null ? NameFields.unnamed(entries) : 0);
        fields.replace("undecided_faces", NameFields.undecided(entries));
    }

    /** A document of an older release does not say it: there {@code face_count} was never changed. */
    private int facesFound(List<?> entries) {
        Object found = fields.get(MachineFields.FACES_FOUND) == null ? fields.get("face_count") : fields.get(MachineFields.FACES_FOUND);
        return found instanceof Number number ? number.intValue() : entries.size();
    }

    private Decisions decisions() {
        List<Map<String, Object>> entries = NameFields.tidyEntries(single ? fields.get("face") : storedFaces());
        String photosName = FaceEntries.isLone(entries, facesFound(entries)) ? NameFields.person(source) : null;
        if (photosName != null) {
            // It stays in the document, and does not say which face of another photo it means.
            entries.stream().filter(face -> NameFields.isOnlyLabelled(face, photosName)).forEach(face -> face.remove("label"));
        }
        Map<String, Object> size = new HashMap<>();
        size.put("width", fields.get("photo.width"));
        size.put("height", fields.get("photo.height"));
        return new Decisions(entries, size, NameFields.tidyEntries(fields.get(MachineFields.UNPLACED)));
    }

    private void tidyNames() {
        NameFields.tidyPerson(source);
        if (target == null) {
            // With a target, [file] is a field of the sender's own.
            FILE_NAMES.forEach(path -> DottedPaths.replaceEach(source, path, FaceDocument::nfc));
        }
    }

    private static Object nfc(Object text) {
        return text instanceof String string ? Names.nfc(string)
            : text instanceof List<?> list ? new ArrayList<>(list.stream().map(FaceDocument::nfc).toList())
            : text;
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

    /** Removes what describes a photo. What was said about faces that have no place in it stays. */
    void removeFaces() {
        Object unplaced = fields.get(MachineFields.UNPLACED);
        removeOwnFields();
        EventFields.NAMES.stream().filter(name -> name.startsWith("event.")).forEach(fields::remove);
        fields.set(MachineFields.UNPLACED, unplaced);
    }

    /** Everything that a run writes, also what a sender wrote there: such as the hash, which must be that of this photo. */
    private void removeWritten() {
        removeOwnFields();
        MachineFields.remove(source, target, MachineFields.SHARED);
    }

    private void removeOwnFields() {
        MachineFields.remove(source, target, MachineFields.own(single));
        fields.removeTag(NO_FACE);
    }
}
