package org.ingestface.resend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestDocument;
import org.ingestface.common.DottedPaths;
import org.ingestface.document.FaceOptions;
import org.ingestface.document.FaceProcessor;

/**
 * Joins a stored document with what is sent under its id: what was sent wins, objects are merged, as in an {@code _update}; and what
 * people said stays, as far as the sender does not say otherwise.
 */
final class Merging {

    private final List<FaceProcessor> processors;
    private final Map<String, Object> stored;
    private final Map<String, Object> sent;
    private final BooleanSupplier takesSentName;

    /**
     * @param processors    that the document will pass
     * @param stored        the source of the stored document; not changed
     * @param sent          the source that was sent; not changed
     * @param takesSentName whether the index takes the field {@link SentName}
     */
    Merging(List<FaceProcessor> processors, Map<String, Object> stored, Map<String, Object> sent, BooleanSupplier takesSentName) {
        this.processors = processors;
        this.stored = stored;
        this.sent = sent;
        this.takesSentName = takesSentName;
    }

    /** Otherwise it is for the processor to say what is missing. */
    boolean sendsPhotoOrFaces() {
        return sendsFaces() || processors.stream().anyMatch(processor -> DottedPaths.get(sent, processor.options().photoPath()) != null);
    }

    /** Whether a write that depends on what stands brings a photo, which makes it a resend, and does not only keep the stored one. */
    boolean sendsAnotherPhoto() {
        return processors.stream().map(processor -> processor.options().photoPath()).anyMatch(path -> {
            Object photo = DottedPaths.get(sent, path);
            return photo != null && photo.equals(DottedPaths.get(stored, path)) == false;
        });
    }

    private boolean sendsFaces() {
        return processors.stream().map(FaceProcessor::options).anyMatch(this::sendsFaces);
    }

    /** As a copy of a stored document does, for example in a reindex. */
    private boolean sendsFaces(FaceOptions options) {
        return DottedPaths.get(sent, options.written(options.singleFace() ? "vector" : "faces")) != null;
    }

    /** The document that was sent, with what stands. */
    Map<String, Object> merged() {
        Map<String, Object> merged = IngestDocument.deepCopyMap(stored);
        // What a copy brings of the processor's fields is complete, so nothing may be left of the stored ones.
        processors.stream().filter(processor -> sendsFaces(processor.options())).forEach(processor -> processor.removeFaces(merged));
        Map<String, Object> tags = unitedTags(merged);
        Spellings.removeOthers(merged, sent);
        XContentHelper.update(merged, IngestDocument.deepCopyMap(sent), false);
        tags.forEach((path, united) -> {
            DottedPaths.remove(merged, path);
            DottedPaths.set(merged, path, united);
        });
        for (FaceProcessor processor : processors) {
            if (processor.options().singleFace() == false && sendsFaces(processor.options())) {
                SaidOfFaces.keep(processor.options(), stored, merged);
            }
        }
        new PhotoName(processors, stored, merged, takesSentName).keepCorrection(sent, sendsFaces());
        return merged;
    }

    /** The document that was sent, whole: what it leaves out is removed. */
    Map<String, Object> edited() {
        Map<String, Object> edited = IngestDocument.deepCopyMap(sent);
        new PhotoName(processors, stored, edited, takesSentName).followEdit();
        return edited;
    }

    /** By their path, where both documents have tags. Tags of the sender and those that the processor writes may be in two places. */
    private Map<String, Object> unitedTags(Map<String, Object> before) {
        Map<String, Object> united = new HashMap<>();
        for (FaceProcessor processor : processors) {
            for (String path : List.of("tags", processor.options().written("tags"))) {
                Object earlier = DottedPaths.get(before, path);
                Object now = DottedPaths.get(sent, path);
                if (isTags(earlier) && isTags(now)) {
                    united.put(path, Stream.concat(tags(earlier), tags(now)).distinct().collect(Collectors.toCollection(ArrayList::new)));
                }
            }
        }
        return united;
    }

    private static boolean isTags(@Nullable Object value) {
        return value != null && value instanceof Map<?, ?> == false;
    }

    private static Stream<?> tags(Object value) {
        return value instanceof List<?> list ? list.stream() : Stream.of(value);
    }
}
