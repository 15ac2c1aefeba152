package org.ingestface.resend;

import java.util.Map;

import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.get.GetResponse;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.IndexNotFoundException;
import org.elasticsearch.rest.RestStatus;

/**
 * What stands under an id.
 *
 * @param document null if nothing is seen to stand there
 * @param failure  why it could not be read; null if it could
 */
record Stored(@Nullable GetResponse document, @Nullable Exception failure) {

    static Stored of(GetResponse answer) {
        return new Stored(answer.isExists() ? answer : null, null);
    }

    static Stored unreadable(Exception failure) {
        boolean isNew = ExceptionsHelper.unwrapCause(failure) instanceof IndexNotFoundException;
        return new Stored(null, isNew ? null : failure);
    }

    boolean isForbidden() {
        return failure != null && ExceptionsHelper.status(failure) == RestStatus.FORBIDDEN;
    }

    /** Its source; null without a document, or if its index keeps no source. */
    @Nullable
    Map<String, Object> source() {
        return document == null || document.isSourceEmpty() ? null : document.getSourceAsMap();
    }
}
