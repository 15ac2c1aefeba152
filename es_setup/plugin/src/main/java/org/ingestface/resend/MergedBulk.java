package org.ingestface.resend;

import org.elasticsearch.action.bulk.BulkRequest;

/**
 * A bulk that the filter has made, which it must not look at again. The type is lost on the way to another node; there the filter comes to
 * the same result, because merging twice changes nothing.
 */
final class MergedBulk extends BulkRequest {

    /** @param original whose options this one has, without its requests */
    MergedBulk(BulkRequest original) {
        setRefreshPolicy(original.getRefreshPolicy());
        waitForActiveShards(original.waitForActiveShards());
        timeout(original.timeout());
        pipeline(original.pipeline());
        routing(original.routing());
        requireAlias(original.requireAlias());
        requireDataStream(original.requireDataStream());
        includeSourceOnError(original.includeSourceOnError());
        incrementalState(original.incrementalState());
    }
}
