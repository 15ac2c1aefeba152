package org.ingestface.rights;

import java.util.List;

import org.elasticsearch.action.ActionListener;

/** Asks whether the caller may write faces that the processor did not find in this run. */
@FunctionalInterface
public interface FaceRights {

    /**
     * @param index    that the document goes to, as a name or an alias
     * @param fields   that the caller wants to write, for the message
     * @param listener gets null, or why the caller may not: an {@code ElasticsearchSecurityException} of status 403
     */
    void require(String index, List<String> fields, ActionListener<Void> listener);
}
