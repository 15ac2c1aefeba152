package org.ingestface.resend;

import org.elasticsearch.ElasticsearchException;
import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.ElasticsearchStatusException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.rest.RestStatus;
import org.ingestface.common.Messages;

/** Decides when a document that could not be merged is given up. */
final class Refusals {

    private static final int MAX_ATTEMPTS = 5;

    private Refusals() {}

    /** Null unless a document with an external version, whose write depends on nothing, would replace one that could not be read. */
    @Nullable
    static ElasticsearchException unread(Item item, @Nullable Stored stored) {
        boolean isUnread = item.hasExternalVersion() && stored != null && stored.failure() != null;
        return isUnread ? afterConflict(item, stored, MAX_ATTEMPTS) : null;
    }

    /**
     * @param stored  what was seen to stand when the conflicting write was made
     * @param attempt from 1
     * @return null if it should be read and merged again
     */
    @Nullable
    static ElasticsearchException afterConflict(Item item, Stored stored, int attempt) {
        // Seen as missing twice, but it stands: it is hidden from the sender.
        boolean isHidden = stored.document() == null && stored.failure() == null && attempt > 1;
        if (stored.isForbidden() || isHidden) {
            return new ElasticsearchSecurityException(
                "document [{}] exists in [{}] and cannot be read with your privileges, so what people said in it would be lost; "
                    + "you need the privilege [read] on [{}], or send the document without an id",
                RestStatus.FORBIDDEN,
                item.request().id(),
                item.index(),
                item.index()
            );
        }
        if (attempt < MAX_ATTEMPTS) {
            return null;
        }
        // 429 and not 409: the sender asked for no version, so its client is to send it again as it is.
        return new ElasticsearchStatusException(
            stored.failure() == null
                ? "document [{}] in [{}] was changed by others during each of [{}] attempts to add to it; send it again"
                : "document [{}] in [{}] could not be read during [{}] attempts to add to it; send it again: "
                    + Messages.shorten(stored.failure().getMessage()).replace("{}", ""),
            RestStatus.TOO_MANY_REQUESTS,
            item.request().id(),
            item.index(),
            attempt
        );
    }
}
