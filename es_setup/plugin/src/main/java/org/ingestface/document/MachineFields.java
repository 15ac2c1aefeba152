package org.ingestface.document;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.Leaves;

/**
 * The fields that nobody but the processor writes, unless with the right to: of {@link org.ingestface.rights.FaceRights}. All paths are
 * relative to a {@code target_field}.
 */
final class MachineFields {

    /** How many faces the service found, whatever entries a person removes later: a photo of two people does not name the one left. */
    static final String FACES_FOUND = "photo.faces_found";
    static final String UNPLACED = "unplaced";
    /** The fields of {@code photo} that the processor writes. Any other is the sender's, such as a caption or even the image. */
    static final List<String> PHOTO = List.of("width", "height", "taken", "fingerprint");
    /** What describes the photo and its faces. */
    private static final List<String> OWN = Stream.of(
        Stream.of("face_count", "best_quality", "thumbnail", "error", UNPLACED),
        Stream.of("id", "digest", "precision", "source").map(name -> "model." + name),
        PHOTO.stream().map(name -> "photo." + name),
        Stream.of(FACES_FOUND)
    ).flatMap(names -> names).toList();
    private static final List<String> OWN_OF_FACES = List.of("faces", "unnamed_faces", "undecided_faces", "best_similarity");
    private static final List<String> OWN_OF_SINGLE_FACE = List.of("vector", "face");
    /** Overwritten in each run; other processors may change them afterwards. */
    static final List<String> SHARED = List.of("event.ingested", "event.lag", "event.duration", "event.outcome", "file.hash.sha256");
    /** Filled by the mapping alone, from the fields of faces. */
    private static final List<String> COPIES = List.of(
        "people",
        "matched_people",
        "matched_tags",
        "candidate_people",
        "candidate_tags",
        "face_groups"
    );
    private static final List<String> ALL = Stream.of(OWN, OWN_OF_FACES, OWN_OF_SINGLE_FACE, SHARED, COPIES)
        .flatMap(List::stream)
        .toList();

    /** Of the fields that nobody but the processor writes, so many are named to a sender who sent more. */
    private static final int MAX_NAMED = 20;

    private MachineFields() {}

    /** @param single whether the processor has the option {@code single_face} */
    static List<String> own(boolean single) {
        return Stream.concat(OWN.stream(), (single ? OWN_OF_SINGLE_FACE : OWN_OF_FACES).stream()).toList();
    }

    /** The path below the target; null if it is not below it. */
    @Nullable
    static String below(@Nullable String target, String path) {
        return target == null ? path : path.startsWith(target + ".") ? path.substring(target.length() + 1) : null;
    }

    /** Whether a path is one of the fields or below it. */
    static boolean isOf(List<String> fields, @Nullable String path) {
        return path != null && fields.stream().anyMatch(field -> isAtOrBelow(field, path));
    }

    private static boolean isAtOrBelow(String field, String path) {
        return path.startsWith(field) && (path.length() == field.length() || path.charAt(field.length()) == '.');
    }

    /** Removes the fields in whichever spelling. */
    static void remove(Map<String, Object> source, @Nullable String target, List<String> fields) {
        Leaves.removeIf(source, path -> isOf(fields, below(target, path)));
    }

    /**
     * The full paths of those fields in a document that the processor did not write in this run; of many the first ones, and {@code …}.
     *
     * @param allowed fields that anybody may write
     * @param seal    what the processor wrote; null if it did not run
     */
    static List<String> foreign(Map<String, Object> source, @Nullable String target, List<String> allowed, @Nullable Seal seal) {
        Set<String> foreign = new LinkedHashSet<>();
        Leaves.forEach(source, (path, value) -> {
            String field = below(target, path);
            if (isOf(ALL, field) && isOf(allowed, field) == false && (seal == null || isExplained(seal, target, path, value) == false)) {
                foreign.add(foreign.size() < MAX_NAMED ? path : "…");
            }
        });
        return new ArrayList<>(foreign);
    }

    private static boolean isExplained(Seal seal, @Nullable String target, String path, Object value) {
        String field = below(target, path);
        return seal.has(path, value) || seal.isOf(target) && (isOf(SHARED, field) || isSaidOfFace(field));
    }

    /** Whether it is a field of a face that people give, which a later processor may do for them. */
    static boolean isSaidOfFace(String field) {
        String[] parts = field.split("\\.", 3);
        return parts.length > 1 && (parts[0].equals("faces") || parts[0].equals("face")) && EarlierFace.MADE.contains(parts[1]) == false;
    }
}
