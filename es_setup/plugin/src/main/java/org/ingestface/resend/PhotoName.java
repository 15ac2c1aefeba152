package org.ingestface.resend;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.common.Names;
import org.ingestface.document.DrawnBoxes;
import org.ingestface.document.FaceOptions;
import org.ingestface.document.FaceProcessor;

/**
 * The name of a photo. Where a photo has exactly one face, its {@code person.name} and the label of the face are one thing, so that a
 * correction of either corrects both.
 *
 * <p>A corrected name must outlive the next sending of the photo under its old name. So the name that the sender gave is kept in
 * {@code person.sent_name} once a person changes it: a photo that comes again with that name says nothing new.
 */
final class PhotoName {

    private static final String PERSON = "person";
    private static final String NAME = "person.name";

    private final List<FaceProcessor> processors;
    private final Map<String, Object> before;
    private final Map<String, Object> after;
    private final BooleanSupplier takesSentName;

    /**
     * @param before        the stored document
     * @param after         the document that takes its place; changed in place
     * @param takesSentName whether the index takes the field {@link SentName}
     */
    PhotoName(List<FaceProcessor> processors, Map<String, Object> before, Map<String, Object> after, BooleanSupplier takesSentName) {
        this.processors = processors;
        this.before = before;
        this.after = after;
        this.takesSentName = takesSentName;
        // An array of one person is stored as that person.
        after.computeIfPresent(PERSON, (key, value) -> value instanceof List<?> list && list.size() == 1 ? list.get(0) : value);
    }

    /** After an edit: name and label agree, and the name that the sender gave is remembered. */
    void followEdit() {
        makeOne(false);
        rememberSent();
    }

    /**
     * After a resend: a name that was sent before says nothing new, and another one is a new statement.
     *
     * @param sent       the document that was sent
     * @param sentAsCopy whether it is a copy of a stored document, which may be edited
     */
    void keepCorrection(Map<String, Object> sent, boolean sentAsCopy) {
        String said = name(sent);
        String sentBefore = Names.plain(DottedPaths.get(before, SentName.PATH));
        if (said != null && said.equals(sentBefore)) {
            List<Object> kept = DottedPaths.values(before, NAME);
            setName(kept.isEmpty() ? null : kept.size() == 1 ? kept.get(0) : kept);
        } else if (said != null && said.equals(name(before)) == false && bringsNoOther(sent, sentBefore)) {
            DottedPaths.remove(after, SentName.PATH);
        }
        makeOne(sentAsCopy == false);
        if (sentAsCopy) {
            rememberSent();
        }
    }

    /** A copy from elsewhere has a correction of its own; what an {@code _update} has merged has the stored one. */
    private static boolean bringsNoOther(Map<String, Object> sent, @Nullable String sentBefore) {
        String brought = Names.plain(DottedPaths.get(sent, SentName.PATH));
        return brought == null || brought.equals(sentBefore);
    }

    /** @param isResend whether a sender says it: then the first name yields to a label, and a missing name takes no label back */
    private void makeOne(boolean isResend) {
        for (FaceProcessor processor : processors) {
            Map<String, Object> face = loneFace(processor.options(), after);
            if (face != null) {
                makeOne(face, labelBefore(processor.options(), face), isResend);
            }
        }
    }

    private void makeOne(Map<String, Object> face, @Nullable String labelBefore, boolean isResend) {
        String nameBefore = name(before);
        String name = name(after);
        String label = label(face);
        boolean isNewLabel = Objects.equals(labelBefore, label) == false;
        boolean isNewName = Objects.equals(nameBefore, name) == false;
        if (name == null) {
            if (isResend == false && isNewLabel == false && label != null && label.equals(nameBefore)) {
                // The name was taken back, or several took its place, and with it the label that it is one with.
                DottedPaths.remove(face, "label.name");
            }
            return;
        }
        if (name.equals(label) || isNewLabel == false && isNewName == false) {
            return;
        }
        if (label == null) {
            if (isNewName == false && name.equals(labelBefore)) {
                // The label was taken back, and with it the name, which would label the face again.
                setName(null);
                remember(name);
            }
        } else if (isNewLabel || isResend && nameBefore == null) {
            setName(label);
            if (isNewLabel == false) {
                remember(name);
            }
        } else {
            Map<String, Object> renamed = face.get("label") instanceof Map<?, ?> fields ? copy(fields) : new HashMap<>();
            renamed.put("name", name);
            DottedPaths.remove(face, "label");
            face.put("label", renamed);
        }
    }

    /** Nothing is remembered of a {@code person} that was removed altogether. */
    private void rememberSent() {
        String nameBefore = name(before);
        String name = name(after);
        String sentBefore = Names.plain(DottedPaths.get(before, SentName.PATH));
        String sent = sentBefore == null ? nameBefore : sentBefore;
        if (sent == null || Objects.equals(nameBefore, name)) {
            return;
        }
        if (sent.equals(name)) {
            DottedPaths.remove(after, SentName.PATH);
        } else if (Names.plain(DottedPaths.get(after, SentName.PATH)) == null && hasPerson()) {
            remember(sent);
        }
    }

    private void remember(String sent) {
        if (takesSentName.getAsBoolean() == false) {
            return;
        }
        if (after.get(PERSON) instanceof List<?>) {
            // Beside an array of several people, as it belongs to none of them.
            after.put(SentName.PATH, sent);
        } else {
            DottedPaths.set(after, SentName.PATH, sent);
        }
    }

    private boolean hasPerson() {
        return name(after) != null || after.get(PERSON) instanceof Map<?, ?> || after.get(PERSON) instanceof List<?>;
    }

    /** The only face of a photo in which the service found no other; null if there is none. */
    @Nullable
    private static Map<String, Object> loneFace(FaceOptions options, Map<String, Object> source) {
        List<Map<String, Object>> entries = options.singleFace() ? List.of() : SaidOfFaces.entries(options, "faces", source);
        Object found = DottedPaths.get(source, options.written("photo.faces_found"));
        Object count = found == null ? DottedPaths.get(source, options.written("face_count")) : found;
        boolean isLone = entries.size() == 1
            && DrawnBoxes.isDrawn(entries.get(0)) == false
            && (count instanceof Number number ? number.intValue() == 1 : true);
        return isLone ? entries.get(0) : null;
    }

    @Nullable
    private String labelBefore(FaceOptions options, Map<String, Object> face) {
        Map<String, Object> lone = loneFace(options, before);
        if (lone != null) {
            return label(lone);
        }
        return SaidOfFaces.entries(options, "faces", before)
            .stream()
            .filter(earlier -> Objects.equals(earlier.get("id"), face.get("id")))
            .findFirst()
            .map(PhotoName::label)
            .orElse(null);
    }

    private void setName(@Nullable Object name) {
        DottedPaths.remove(after, NAME);
        if (name != null) {
            DottedPaths.set(after, NAME, name);
        }
    }

    @Nullable
    private static String name(Map<String, Object> source) {
        return Names.plain(DottedPaths.values(source, NAME));
    }

    @Nullable
    private static String label(Map<String, Object> face) {
        return Names.plain(DottedPaths.get(face, "label.name"));
    }

    private static Map<String, Object> copy(Map<?, ?> fields) {
        Map<String, Object> copy = new HashMap<>();
        fields.forEach((key, value) -> copy.put((String) key, value));
        return copy;
    }
}
