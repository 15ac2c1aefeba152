package org.ingestface.resend;

import org.elasticsearch.action.index.IndexRequest;

/** Copies the fields of a request that this version of Elasticsearch has beyond those of all versions: none. */
final class VersionedFields {

    private VersionedFields() {}

    static void copy(IndexRequest from, IndexRequest to) {}
}
