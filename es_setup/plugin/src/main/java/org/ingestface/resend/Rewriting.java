package org.ingestface.resend;

import java.util.Map;

import org.elasticsearch.action.DocWriteRequest;
import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.core.Nullable;

/** Turns what was sent into what shall go through the pipeline. The request that was sent is left as it was, to be tried again. */
final class Rewriting {

    private Rewriting() {}

    /** @param stored what stands under the item's id; null unless the item depends on it */
    static DocWriteRequest<?> of(Item item, @Nullable Stored stored) {
        if (item.processors().isEmpty() || item.request() instanceof IndexRequest == false) {
            return item.request();
        }
        IndexRequest sent = (IndexRequest) item.request();
        IndexRequest copy = copy(sent);
        if (stored == null) {
            return copy;
        }
        if (stored.document() == null) {
            // Creates, so that a document is never replaced unread: one that was created meanwhile, or that the sender may not see.
            return item.kind() == Item.Kind.SEND && item.hasExternalVersion() == false ? copy.opType(DocWriteRequest.OpType.CREATE) : copy;
        }
        boolean hasChanged = item.kind() == Item.Kind.EDIT && sent.ifSeqNo() != stored.document().getSeqNo();
        Map<String, Object> before = stored.source();
        Map<String, Object> source = before == null || hasChanged ? null : parsed(sent);
        if (source == null) {
            return copy;
        }
        if (item.kind() == Item.Kind.EDIT) {
            Spellings.fold(before, source);
        }
        Merging merging = new Merging(item.processors(), before, source, item.takesSentName());
        if (item.kind() == Item.Kind.SEND) {
            if (merging.sendsPhotoOrFaces() == false) {
                return copy;
            }
            copy.source(merging.merged(), sent.getContentType());
            return item.hasExternalVersion()
                ? copy
                : copy.setIfSeqNo(stored.document().getSeqNo()).setIfPrimaryTerm(stored.document().getPrimaryTerm());
        }
        return copy.source(merging.sendsAnotherPhoto() ? merging.merged() : merging.edited(), sent.getContentType());
    }

    /** Null for what is no JSON object, which Elasticsearch refuses with its own message. */
    @Nullable
    private static Map<String, Object> parsed(IndexRequest sent) {
        try {
            return XContentHelper.convertToMap(sent.source(), true, sent.getContentType()).v2();
        } catch (RuntimeException e) {
            return null;
        }
    }

    private static IndexRequest copy(IndexRequest from) {
        IndexRequest copy = new IndexRequest(from.index()).id(from.id())
            .routing(from.routing())
            .source(from.source(), from.getContentType())
            .opType(from.opType())
            .version(from.version())
            .versionType(from.versionType())
            .setIfSeqNo(from.ifSeqNo())
            .setIfPrimaryTerm(from.ifPrimaryTerm())
            .setPipeline(from.getPipeline())
            .setFinalPipeline(from.getFinalPipeline())
            .isPipelineResolved(from.isPipelineResolved())
            .setRequireAlias(from.isRequireAlias())
            .setRequireDataStream(from.isRequireDataStream())
            .setIncludeSourceOnError(from.getIncludeSourceOnError())
            .setListExecutedPipelines(from.getListExecutedPipelines())
            .setDynamicTemplates(from.getDynamicTemplates());
        copy.timeout(from.timeout()).waitForActiveShards(from.waitForActiveShards());
        VersionedFields.copy(from, copy);
        return copy;
    }
}
