package org.ingestface;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;

/**
 * The fields of a document that has been looked at for faces.
 *
 * <p>Two kinds of fields. Ours ({@code faces}, {@code face_count}, {@code best_quality}, {@code model}, {@code photo},
 * {@code thumbnail}, {@code error}) describe one photo and are cleared before each writing, since they may describe another one. The
 * sender's and those shared with them ({@code file}, {@code event}, {@code person}, {@code tags}, {@code @timestamp}) are added to
 * where their shape permits, and otherwise left alone.
 */
final class FaceDocument {

    static final String NO_FACE = "no_face";

    /** What of a photo goes below {@code photo}; another name there is the sender's. */
    private static final List<String> PHOTO = List.of("width", "height", "taken", "fingerprint");
    private static final List<String> OURS = Stream.concat(
        Stream.of("faces", "face_count", "best_quality", "thumbnail", "error", "model.id", "model.digest"),
        PHOTO.stream().map(name -> "photo." + name)
    ).toList();
    private static final List<String> FILE = List.of("file.size", "file.mime_type", "file.hash.sha256");
    private static final List<String> WRITTEN = Stream.of(
        OURS,
        FILE,
        List.of("event.ingested", "event.duration", "event.outcome", "tags", "@timestamp")
    ).flatMap(List::stream).toList();

    private static final DateTimeFormatter UTC_MILLIS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'")
        .withZone(ZoneOffset.UTC);

    private final Map<String, Object> source;

    /** @param source changed in place */
    FaceDocument(Map<String, Object> source) {
        this.source = source;
    }

    /** A field that is written or removed here and that is at, below or above {@code path}; null when there is none. */
    @Nullable
    static String writtenAt(String path) {
        return WRITTEN.stream()
            .filter(field -> (field + ".").startsWith(path + ".") || path.startsWith(field + "."))
            .findFirst()
            .orElse(null);
    }

    /** Whether the document went through this processor before and kept its faces: they are there, perhaps none, and their model. */
    boolean hasFaces() {
        return source.get("faces") instanceof List<?> && modelId() != null;
    }

    @Nullable
    String modelId() {
        return Objects.toString(DottedPaths.get(source, "model.id"), null);
    }

    /**
     * Writes what the service found.
     *
     * @param tookNanos what the endpoint took
     * @param now       the time of the ingest
     */
    void writeFaces(FaceAnswer.Faces found, long tookNanos, Instant now) {
        forgetAnotherPhoto(found.file().sha256());
        clear();
        List<Map<String, Object>> faces = withIds(found);
        // A name that came with the photo can mean only a face that is alone in it.
        if (faces.size() == 1 && DottedPaths.get(source, "person.name") instanceof String name) {
            faces.get(0).put("label", mapOf("name", name));
        }
        source.put("faces", faces);
        source.put("face_count", faces.size());
        found.faces()
            .stream()
            .map(FaceAnswer.Face::qualityScore)
            .filter(Objects::nonNull)
            .max(Double::compare)
            .ifPresent(best -> source.put("best_quality", best));
        set("model.id", found.modelId());
        set("model.digest", found.modelDigest());
        PHOTO.forEach(name -> set("photo." + name, found.photo().get(name)));
        set("thumbnail", found.thumbnail());
        writeFile(found.file());
        if (faces.isEmpty()) {
            addTag(NO_FACE);
        }
        writeTimestamp(found.photo().get("taken") instanceof String taken ? taken : UTC_MILLIS.format(now));
        writeEvent("success", tookNanos, now);
    }

    /** Writes why the photo could not be read. The photo itself stays, so nothing is lost. */
    void writeError(String code, String message, long tookNanos, Instant now) {
        forgetAnotherPhoto(null);
        clear();
        set("error.code", code);
        set("error.message", message);
        writeTimestamp(UTC_MILLIS.format(now));
        writeEvent("failure", tookNanos, now);
    }

    /**
     * Removes what an earlier run wrote where the sender's own would stay, if it looked at another photo. After a failed run nothing of
     * {@code file} is ours; after a successful one it is of the photo with the stored hash, whoever wrote it.
     *
     * @param sha256 of the photo now; null when it cannot be read, and so is another one than that of the stored faces
     */
    private void forgetAnotherPhoto(@Nullable String sha256) {
        boolean hadFaces = hasFaces();
        Object before = DottedPaths.get(source, "file.hash.sha256");
        boolean hadError = DottedPaths.get(source, "error.code") != null && "failure".equals(DottedPaths.get(source, "event.outcome"));
        if (hadFaces ? before == null || before.equals(sha256) : hadError == false) {
            return;
        }
        Object timestamp = source.get("@timestamp");
        if (timestamp != null
            && (timestamp.equals(DottedPaths.get(source, "event.ingested")) || timestamp.equals(DottedPaths.get(source, "photo.taken")))) {
            source.remove("@timestamp");
        }
        if (hadFaces) {
            FILE.forEach(field -> DottedPaths.remove(source, field));
        }
    }

    private void clear() {
        // Of model and photo only what we write: a sender may keep a photo.caption there, or even the image.
        OURS.forEach(field -> DottedPaths.remove(source, field));
        for (String field : List.of("model", "photo")) {
            if (source.get(field) instanceof Map<?, ?> object && object.isEmpty() == false) {
                continue;
            }
            source.remove(field);
        }
        removeTag(NO_FACE);
    }

    private static List<Map<String, Object>> withIds(FaceAnswer.Faces found) {
        List<Map<String, Object>> faces = new ArrayList<>();
        for (FaceAnswer.Face face : found.faces()) {
            Map<String, Object> fields = new LinkedHashMap<>();
            // The same for the same photo as long as the detector finds the same faces in the same order, whichever model embeds them.
            // Nothing of the former faces is carried over by it: their labels go with them.
            fields.put("id", found.file().sha256().substring(0, 16) + "-" + faces.size());
            fields.putAll(face.fields());
            faces.add(fields);
        }
        return faces;
    }

    private void writeFile(FaceAnswer.File file) {
        setIfAbsent("file.size", file.size());
        setIfAbsent("file.mime_type", file.mimeType());
        // Always ours: it must be that of the photo that these faces come from.
        DottedPaths.remove(source, "file.hash.sha256");
        set("file.hash.sha256", file.sha256());
    }

    private void writeTimestamp(String otherwise) {
        setIfAbsent("@timestamp", otherwise);
    }

    private void writeEvent(String outcome, long tookNanos, Instant now) {
        replace("event.ingested", UTC_MILLIS.format(now));
        replace("event.duration", tookNanos);
        replace("event.outcome", outcome);
    }

    private void addTag(String tag) {
        List<Object> tags = tags();
        if (tags != null) {
            tags.add(tag);
            source.put("tags", tags);
        }
    }

    private void removeTag(String tag) {
        List<Object> tags = tags();
        if (tags != null && tags.removeIf(tag::equals)) {
            if (tags.isEmpty()) {
                source.remove("tags");
            } else {
                source.put("tags", tags);
            }
        }
    }

    /** A copy; null for an object, which is no kind of tag. */
    @Nullable
    private List<Object> tags() {
        Object tags = source.get("tags");
        if (tags instanceof Map<?, ?>) {
            return null;
        }
        List<Object> copy = new ArrayList<>();
        if (tags instanceof List<?> list) {
            copy.addAll(list);
        } else if (tags != null) {
            copy.add(tags);
        }
        return copy;
    }

    private void replace(String path, Object value) {
        DottedPaths.remove(source, path);
        set(path, value);
    }

    private void setIfAbsent(String path, @Nullable Object value) {
        if (DottedPaths.get(source, path) == null) {
            set(path, value);
        }
    }

    private void set(String path, @Nullable Object value) {
        if (value != null) {
            DottedPaths.set(source, path, value);
        }
    }

    /** Mutable, as every map in a document has to be for the processors that follow. */
    private static Map<String, Object> mapOf(String key, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(key, value);
        return map;
    }
}
