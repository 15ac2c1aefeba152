package org.ingestface.document;

import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.AbstractProcessor;
import org.elasticsearch.ingest.ConfigurationUtils;
import org.elasticsearch.ingest.IngestDocument;
import org.ingestface.rights.FaceRights;

/**
 * The ingest processor {@code face_check}, for the final pipeline of an index with faces: lets a document pass whose faces a processor
 * {@code face} found in this run, or that has nothing of what that writes. Any other needs the right to write faces as they are, and
 * fails with status 403 without it.
 */
public final class FaceCheckProcessor extends AbstractProcessor {

    /** The processor's name in a pipeline. */
    public static final String TYPE = "face_check";

    @Nullable
    private final String target;
    private final List<String> allowed;
    private final FaceRights rights;

    private FaceCheckProcessor(String tag, String description, @Nullable String target, List<String> allowed, FaceRights rights) {
        super(tag, description);
        this.target = target;
        this.allowed = allowed;
        this.rights = rights;
    }

    @Override
    public String getType() {
        return TYPE;
    }

    @Override
    public boolean isAsync() {
        return true;
    }

    @Override
    public void execute(IngestDocument document, BiConsumer<IngestDocument, Exception> handler) {
        List<String> foreign;
        try {
            foreign = MachineFields.foreign(document.getSource(), target, allowed, Seal.of(document));
        } catch (Exception e) {
            handler.accept(null, e);
            return;
        }
        if (foreign.isEmpty()) {
            handler.accept(document, null);
            return;
        }
        // Not ActionListener.wrap: it calls onFailure if onResponse throws, and so could answer the handler twice.
        rights.require(document.getMetadata().getIndex(), foreign, new ActionListener<>() {
            @Override
            public void onResponse(Void granted) {
                handler.accept(document, null);
            }

            @Override
            public void onFailure(Exception e) {
                handler.accept(null, e);
            }
        });
    }

    /** Makes processors from a pipeline's options {@code target_field} and {@code allow}. */
    public static final class Factory extends VersionedProcessorFactory {

        private final Supplier<FaceRights> rights;

        /** @param rights used when a processor is made, after the node's start; the factory itself is made before it */
        public Factory(Supplier<FaceRights> rights) {
            this.rights = rights;
        }

        @Override
        FaceCheckProcessor create(String tag, String description, Map<String, Object> config) {
            List<?> allowed = ConfigurationUtils.readOptionalList(TYPE, tag, config, "allow");
            return new FaceCheckProcessor(
                tag,
                description,
                FaceOptions.readTargetField(TYPE, tag, config),
                allowed == null ? List.of() : allowed.stream().map(String::valueOf).toList(),
                rights.get()
            );
        }
    }
}
