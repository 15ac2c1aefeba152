package org.ingestface.resend;

import java.util.List;
import java.util.Map;

import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.core.Nullable;

/** The field that keeps the name that a sender gave, once a person has changed it. */
final class SentName {

    static final String PATH = "person.sent_name";

    private SentName() {}

    /** Whether an index takes the field: it has it, or adds new fields. Otherwise it would refuse the correction itself. */
    static boolean fits(@Nullable MappingMetadata mapping) {
        Map<?, ?> level = mapping == null ? Map.of() : mapping.sourceAsMap();
        boolean isStrict = false;
        for (String name : List.of(PATH.split("\\."))) {
            isStrict = level.get("dynamic") == null ? isStrict : level.get("dynamic").toString().startsWith("strict");
            if (level.get("properties") instanceof Map<?, ?> fields && fields.get(name) instanceof Map<?, ?> field) {
                level = field;
            } else {
                return isStrict == false;
            }
        }
        return true;
    }
}
