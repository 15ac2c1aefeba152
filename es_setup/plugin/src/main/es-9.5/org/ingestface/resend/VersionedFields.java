package org.ingestface.resend;

import org.elasticsearch.action.index.IndexRequest;

/** Copies the fields of a request that Elasticsearch 9.5 and newer has beyond those of all versions. */
final class VersionedFields {

    private VersionedFields() {}

    static void copy(IndexRequest from, IndexRequest to) {
        to.setRoutingFromSlice(from.isRoutingFromSlice());
        to.setDynamicTemplateParams(from.getDynamicTemplateParams());
    }
}
