package org.ingestface.document;

import java.util.AbstractMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestDocument;
import org.ingestface.common.Leaves;

/**
 * What processors {@code face} wrote into a document in this run, as a sign for {@link FaceCheckProcessor} that they did.
 *
 * <p>It goes along in the document's ingest metadata, which no sender can fill and no processor can fill with an object of this class. To
 * everybody else it is an empty map, since Elasticsearch copies and prints the metadata.
 */
final class Seal extends AbstractMap<String, Object> {

    private static final String KEY = "face";

    private record Leaf(String path, Object value) {}

    private final Set<Leaf> leaves = new HashSet<>();
    private final Set<String> targets = new HashSet<>();

    private Seal() {}

    /** What is in the document now, of the fields that the processor writes, is its own. */
    static void set(IngestDocument document, @Nullable String target, boolean single) {
        Seal seal = new Seal();
        Seal before = of(document);
        if (before != null) {
            seal.leaves.addAll(before.leaves);
            seal.targets.addAll(before.targets);
        }
        List<String> own = MachineFields.own(single);
        seal.leaves.removeIf(leaf -> MachineFields.isOf(own, MachineFields.below(target, leaf.path)));
        seal.targets.add(String.valueOf(target));
        Leaves.forEach(document.getSource(), (path, value) -> {
            String field = MachineFields.below(target, path);
            if (MachineFields.isOf(own, field) && MachineFields.isSaidOfFace(field) == false) {
                seal.leaves.add(new Leaf(path, value));
            }
        });
        document.getIngestMetadata().put(KEY, seal);
    }

    /** Null if no processor {@code face} completed the document in this run. */
    @Nullable
    static Seal of(IngestDocument document) {
        return document.getIngestMetadata().get(KEY) instanceof Seal seal ? seal : null;
    }

    boolean isOf(@Nullable String target) {
        return targets.contains(String.valueOf(target));
    }

    /** Whether a processor wrote this value: a later processor may remove values, and neither change nor add one. */
    boolean has(String path, Object value) {
        return leaves.contains(new Leaf(path, value));
    }

    @Override
    public Set<Map.Entry<String, Object>> entrySet() {
        return Set.of();
    }
}
