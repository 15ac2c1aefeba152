package org.ingestface;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import org.elasticsearch.common.time.DateFormatter;
import org.elasticsearch.core.Nullable;

/**
 * The fields of a document that has been looked at for faces.
 *
 * <p>Two kinds of fields. Ours ({@code faces}, {@code face_count}, {@code unnamed_faces}, {@code best_quality}, {@code model},
 * {@code photo}, {@code thumbnail}, {@code error}) describe one photo and are cleared before each writing, since they may describe
 * another one. The sender's and those shared with them ({@code file}, {@code event}, {@code person}, {@code tags},
 * {@code @timestamp}) are added to where their shape permits, and otherwise left alone.
 *
 * <p>With a target all of them lie in one object, as for an index that has a {@code tags} or {@code file} of its own.
 */
final class FaceDocument {

    static final String NO_FACE = "no_face";

    /** What is known of a document before it is looked at. */
    enum Known {
        /** It has not been looked at. */
        NOTHING,
        /** It has its faces, perhaps none, and their model. */
        FACES,
        /** It has them without their vectors, as Elasticsearch 9 gives out a {@code _source}. */
        FACES_WITHOUT_VECTORS
    }

    /** What an earlier run looked at. */
    private enum Earlier {
        NOTHING,
        THIS_PHOTO,
        /** Or one that it could not read, and so perhaps this one. */
        ANOTHER_PHOTO
    }

    /** What of a photo goes below {@code photo}; another name there is the sender's. */
    private static final List<String> PHOTO = List.of("width", "height", "taken", "fingerprint");
    private static final List<String> OURS = Stream.concat(
        Stream.of("face_count", "best_quality", "thumbnail", "error", "model.id", "model.digest"),
        PHOTO.stream().map(name -> "photo." + name)
    ).toList();
    private static final List<String> OF_AN_ARCHIVE = List.of("faces", "unnamed_faces", "best_similarity");
    private static final List<String> OF_A_PORTRAIT = List.of("vector", "face");
    private static final List<String> FILE = List.of("file.size", "file.mime_type", "file.hash.sha256");
    private static final List<String> SHARED = List.of(
        "event.ingested",
        "event.lag",
        "event.duration",
        "event.outcome",
        "tags",
        "@timestamp"
    );
    /** What a person decided about a face, and its name: they outlive a new embedding of the same face. */
    private static final List<String> LASTING = List.of("id", "label", "not");

    private static final DateTimeFormatter UTC_MILLIS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'")
        .withZone(ZoneOffset.UTC);
    /** What our mapping of {@code @timestamp} takes, as strings and as numbers. */
    private static final DateFormatter TIMESTAMP = DateFormatter.forPattern("strict_date_optional_time||epoch_millis");

    private final Map<String, Object> source;
    private final String prefix;
    private final boolean single;

    /**
     * @param source changed in place
     * @param target the object that all fields lie in; null for the top of the document. Neither it nor {@code model} or {@code photo} in
     *               it is anything but an object
     * @param single whether the document has one face, its vector not nested
     */
    FaceDocument(Map<String, Object> source, @Nullable String target, boolean single) {
        this.source = source;
        this.prefix = target == null ? "" : target + ".";
        this.single = single;
    }

    /** A field that is written or removed here and that is at, below or above {@code path}; null when there is none. */
    @Nullable
    String writtenAt(String path) {
        return Stream.of(ours(), FILE, SHARED)
            .flatMap(List::stream)
            .map(field -> prefix + field)
            .filter(field -> (field + ".").startsWith(path + ".") || path.startsWith(field + "."))
            .findFirst()
            .orElse(null);
    }

    Known known() {
        if (modelId() == null) {
            return Known.NOTHING;
        }
        if (single) {
            boolean hadFace = get("face") instanceof Map<?, ?>;
            return get("vector") instanceof List<?> ? Known.FACES : hadFace ? Known.FACES_WITHOUT_VECTORS : Known.NOTHING;
        }
        if (get("faces") instanceof List<?> faces) {
            boolean complete = faces.stream().allMatch(face -> face instanceof Map<?, ?> fields && DottedPaths.get(fields, "vector") != null);
            return complete ? Known.FACES : Known.FACES_WITHOUT_VECTORS;
        }
        return Known.NOTHING;
    }

    @Nullable
    String modelId() {
        return Objects.toString(get("model.id"), null);
    }

    /** Of the photo that the stored faces come from. */
    @Nullable
    String photoSha256() {
        return Objects.toString(get("file.hash.sha256"), null);
    }

    /**
     * Writes what the service found.
     *
     * @param matches   for each face, most similar first; null when nobody looked
     * @param tookNanos what the endpoint took
     * @param now       the time of the ingest
     */
    void writeFaces(FaceAnswer.Faces found, @Nullable List<List<Gallery.Match>> matches, long tookNanos, Instant now) {
        List<?> before = Objects.equals(photoSha256(), found.file().sha256()) && get("faces") instanceof List<?> list ? list : List.of();
        Object sent = forgetAnotherPhoto(found.file().sha256());
        clear();
        List<Map<String, Object>> faces = described(found, before);
        if (matches != null) {
            writeMatches(faces, matches);
        }
        if (single) {
            set("vector", faces.get(0).remove("vector"));
            set("face", faces.get(0));
        } else {
            set("faces", faces);
            writeNames(faces);
        }
        set("face_count", faces.size());
        found.faces()
            .stream()
            .map(FaceAnswer.Face::qualityScore)
            .filter(Objects::nonNull)
            .max(Double::compare)
            .ifPresent(best -> set("best_quality", best));
        set("model.id", found.modelId());
        set("model.digest", found.modelDigest());
        PHOTO.forEach(name -> set("photo." + name, found.photo().get(name)));
        set("thumbnail", found.thumbnail());
        writeFile(found.file());
        if (faces.isEmpty()) {
            addTag(NO_FACE);
        }
        writeTimestamp(found.photo().get("taken") instanceof String taken ? taken : UTC_MILLIS.format(now));
        writeEvent("success", tookNanos, sent, now);
    }

    /**
     * Writes why there are no faces. The photo itself stays, so nothing is lost.
     *
     * @param thumbnail of a photo that could be read; null for another
     */
    void writeError(String code, String message, @Nullable String thumbnail, long tookNanos, Instant now) {
        Object sent = forgetAnotherPhoto(null);
        clear();
        set("error.code", code);
        set("error.message", message);
        set("thumbnail", thumbnail);
        writeTimestamp(UTC_MILLIS.format(now));
        writeEvent("failure", tookNanos, sent, now);
    }

    /** Brings up to date what is known of names, if there are faces: a person may have named one, or the photo. */
    void renewNames() {
        if (single == false && known() == Known.FACES) {
            writeNames((List<?>) get("faces"));
        }
    }

    @SuppressWarnings("unchecked")
    private void writeNames(List<?> faces) {
        // A name of the photo can mean only a face that is alone in it.
        if (faces.size() == 1 && DottedPaths.get(source, "person.name") instanceof String name) {
            Map<String, Object> face = (Map<String, Object>) faces.get(0);
            if (DottedPaths.get(face, "label") == null && DottedPaths.get(face, "label.name") == null) {
                face.put("label", mapOf("name", name));
            }
        }
        boolean photosName = faces.size() == 1 && DottedPaths.get(source, "person.name") != null;
        long unnamed = faces.stream().filter(face -> DottedPaths.get((Map<?, ?>) face, "label.name") == null).count();
        replace("unnamed_faces", photosName ? 0 : (int) unnamed);
    }

    /**
     * Removes what an earlier run wrote where the sender's own would stay, if it looked at another photo. After a failed run nothing of
     * {@code file} is ours; after a successful one it is of the photo with the stored hash, whoever wrote it.
     *
     * @param sha256 of the photo now; null when it cannot be read, and so is another one than that of the stored faces
     * @return the sender's own {@code @timestamp}; null when there is none, or none that is surely theirs
     */
    @Nullable
    private Object forgetAnotherPhoto(@Nullable String sha256) {
        Earlier earlier = earlier(sha256);
        Object sent = sendersTimestamp(earlier);
        if (earlier == Earlier.ANOTHER_PHOTO) {
            if (sent == null) {
                remove("@timestamp");
            }
            if (known() != Known.NOTHING) {
                FILE.forEach(this::remove);
            }
        }
        return sent;
    }

    private Earlier earlier(@Nullable String sha256) {
        if (known() != Known.NOTHING) {
            String before = photoSha256();
            return before == null || before.equals(sha256) ? Earlier.THIS_PHOTO : Earlier.ANOTHER_PHOTO;
        }
        boolean hadError = get("error.code") != null && "failure".equals(get("event.outcome"));
        return hadError ? Earlier.ANOTHER_PHOTO : Earlier.NOTHING;
    }

    @Nullable
    private Object sendersTimestamp(Earlier earlier) {
        Object timestamp = get("@timestamp");
        // An earlier run wrote a lag only from a time of the sender's.
        if (timestamp == null || earlier == Earlier.NOTHING || get("event.lag") != null) {
            return timestamp;
        }
        // Of the same photo it may be the ingest before the last, which nothing tells from a sender's time.
        boolean ours = earlier == Earlier.THIS_PHOTO
            || timestamp.equals(get("event.ingested"))
            || timestamp.equals(get("photo.taken"));
        return ours ? null : timestamp;
    }

    private void clear() {
        // Of model and photo only what we write: a sender may keep a photo.caption there, or even the image.
        ours().forEach(this::remove);
        removeTag(NO_FACE);
    }

    /** @param before the stored faces of the same photo */
    private List<Map<String, Object>> described(FaceAnswer.Faces found, List<?> before) {
        List<Map<?, ?>> left = new ArrayList<>();
        before.forEach(face -> {
            if (face instanceof Map<?, ?> fields) {
                left.add(fields);
            }
        });
        List<Map<String, Object>> faces = new ArrayList<>();
        Set<Object> ids = new HashSet<>();
        for (FaceAnswer.Face face : found.faces()) {
            Map<String, Object> fields = new LinkedHashMap<>();
            Map<?, ?> same = Boxes.mostOverlapping(left, face.fields().get("box"));
            if (same != null) {
                left.remove(same);
                LASTING.stream().filter(name -> same.get(name) != null).forEach(name -> fields.put(name, same.get(name)));
                ids.add(fields.get("id"));
                // The label of a face that was alone may have come from the photo's name, which says nothing of one among several.
                Object name = DottedPaths.get(fields, "label.name");
                boolean isPhotosName = name != null && name.equals(DottedPaths.get(source, "person.name"));
                if (before.size() == 1 && found.faces().size() > 1 && isPhotosName) {
                    fields.remove("label");
                }
            }
            fields.putAll(face.fields());
            faces.add(fields);
        }
        int number = 0;
        for (int i = 0; i < faces.size(); i++) {
            Map<String, Object> fields = faces.get(i);
            while (fields.get("id") == null) {
                String id = found.file().sha256().substring(0, 16) + "-" + number++;
                if (ids.add(id)) {
                    Map<String, Object> first = mapOf("id", id);
                    first.putAll(fields);
                    faces.set(i, first);
                    break;
                }
            }
        }
        return faces;
    }

    private void writeMatches(List<Map<String, Object>> faces, List<List<Gallery.Match>> matches) {
        double best = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < faces.size(); i++) {
            List<Gallery.Match> ofFace = matches.get(i);
            if (ofFace.isEmpty() == false) {
                Map<String, Object> face = faces.get(i);
                if (ofFace.get(0).isMatch()) {
                    face.put("match", described(withAllTags(ofFace)));
                }
                face.put("candidates", new ArrayList<>(ofFace.stream().map(FaceDocument::described).toList()));
                face.put("best_similarity", ofFace.get(0).similarity());
                best = Math.max(best, ofFace.get(0).similarity());
            }
        }
        if (best > Double.NEGATIVE_INFINITY) {
            set("best_similarity", best);
        }
    }

    /** The best match, with the tags of all portraits of that person among the matches: a watch list may have tagged another of them. */
    private static Gallery.Match withAllTags(List<Gallery.Match> ofFace) {
        Gallery.Match best = ofFace.get(0);
        List<String> tags = ofFace.stream()
            .filter(match -> match == best || best.name() != null && best.name().equals(match.name()))
            .flatMap(match -> match.tags().stream())
            .distinct()
            .toList();
        return new Gallery.Match(best.galleryId(), best.name(), best.similarity(), best.probability(), best.isMatch(), tags);
    }

    private static Map<String, Object> described(Gallery.Match match) {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (match.name() != null) {
            fields.put("name", match.name());
        }
        fields.put("similarity", match.similarity());
        if (match.probability() != null) {
            fields.put("probability", match.probability());
        }
        fields.put("gallery_id", match.galleryId());
        if (match.tags().isEmpty() == false) {
            fields.put("tags", new ArrayList<>(match.tags()));
        }
        return fields;
    }

    private void writeFile(FaceAnswer.File file) {
        setIfAbsent("file.size", file.size());
        setIfAbsent("file.mime_type", file.mimeType());
        // Always ours: it must be that of the photo that these faces come from.
        replace("file.hash.sha256", file.sha256());
    }

    private void writeTimestamp(String otherwise) {
        setIfAbsent("@timestamp", otherwise);
    }

    /** @param sent the sender's own time of the photo; null when they gave none */
    private void writeEvent(String outcome, long tookNanos, @Nullable Object sent, Instant now) {
        replace("event.ingested", UTC_MILLIS.format(now));
        replace("event.lag", sent == null ? null : nanosSince(sent, now));
        replace("event.duration", tookNanos);
        replace("event.outcome", outcome);
    }

    /** Negative for a time to come; null for what is no time, or is further from now than 64 bits can say. */
    @Nullable
    private static Long nanosSince(Object time, Instant now) {
        try {
            long millis = Math.subtractExact(now.toEpochMilli(), TIMESTAMP.parseMillis(time.toString()));
            return Math.multiplyExact(millis, 1_000_000L);
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
            return null;
        }
    }

    private void addTag(String tag) {
        List<Object> tags = tags();
        if (tags != null) {
            tags.add(tag);
            replace("tags", tags);
        }
    }

    private void removeTag(String tag) {
        List<Object> tags = tags();
        if (tags != null && tags.removeIf(tag::equals)) {
            replace("tags", tags.isEmpty() ? null : tags);
        }
    }

    /** A copy; null for an object, which is no kind of tag. */
    @Nullable
    private List<Object> tags() {
        Object tags = get("tags");
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

    private List<String> ours() {
        return Stream.concat(OURS.stream(), (single ? OF_A_PORTRAIT : OF_AN_ARCHIVE).stream()).toList();
    }

    @Nullable
    private Object get(String path) {
        return DottedPaths.get(source, prefix + path);
    }

    private void remove(String path) {
        DottedPaths.remove(source, prefix + path);
    }

    private void replace(String path, @Nullable Object value) {
        remove(path);
        set(path, value);
    }

    private void setIfAbsent(String path, @Nullable Object value) {
        if (get(path) == null) {
            set(path, value);
        }
    }

    private void set(String path, @Nullable Object value) {
        if (value != null) {
            DottedPaths.set(source, prefix + path, value);
        }
    }

    /** Mutable, as every map in a document has to be for the processors that follow. */
    private static Map<String, Object> mapOf(String key, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(key, value);
        return map;
    }
}
