package org.ingestface.resend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

import org.elasticsearch.action.DocWriteRequest;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.index.IndexRequest;
import org.elasticsearch.action.update.UpdateRequest;
import org.elasticsearch.cluster.metadata.IndexAbstraction;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.VersionType;
import org.elasticsearch.index.seqno.SequenceNumbers;
import org.ingestface.document.FaceProcessor;

/**
 * One request of a bulk.
 *
 * @param slot          its position in the bulk
 * @param index         the name to read its document under: as sent, or the write index of an alias of several indices
 * @param kind          what is to be done with it
 * @param processors    the face processors that its document passes
 * @param takesSentName whether its index takes the field {@link SentName}
 */
record Item(int slot, DocWriteRequest<?> request, String index, Kind kind, List<FaceProcessor> processors, BooleanSupplier takesSentName) {

    enum Kind {
        /** Nothing: it is new, it is deleted, or no face processor sees it. */
        PASS,
        /** A document that says how it shall be from now on, whatever stands under its id. */
        SEND,
        /** A document that depends on what stands, such as the write of an {@code _update}. */
        EDIT,
        /** A change to what stands, which Elasticsearch merges itself if it comes alone. */
        UPDATE
    }

    /** Empty if no face processor sees any document of the bulk. */
    static List<Item> of(BulkRequest bulk, FacePipelines pipelines, Indices indices) {
        List<List<FaceProcessor>> processors = pipelines.of(bulk);
        if (processors.stream().allMatch(List::isEmpty)) {
            return List.of();
        }
        List<Item> items = new ArrayList<>(bulk.numberOfActions());
        for (int slot = 0; slot < bulk.numberOfActions(); slot++) {
            DocWriteRequest<?> request = bulk.requests().get(slot);
            String name = request.index();
            IndexAbstraction index = indices.find(name);
            if (index != null && index.getType() == IndexAbstraction.Type.ALIAS && index.getIndices().size() > 1) {
                // A get cannot choose among several indices.
                name = index.getWriteIndex() == null ? name : index.getWriteIndex().getName();
            }
            Kind kind = processors.get(slot).isEmpty() ? Kind.PASS : kind(request, index);
            items.add(new Item(slot, request, name, kind, processors.get(slot), () -> SentName.fits(indices.mapping(request.index()))));
        }
        return items;
    }

    private static Kind kind(DocWriteRequest<?> request, @Nullable IndexAbstraction index) {
        if (index != null && index.getType() == IndexAbstraction.Type.DATA_STREAM) {
            return Kind.PASS;
        }
        if (request instanceof UpdateRequest) {
            // Alone it would need more rights to create the index than in the bulk.
            return index == null ? Kind.PASS : Kind.UPDATE;
        }
        boolean replaces = request instanceof IndexRequest && request.opType() == DocWriteRequest.OpType.INDEX && request.id() != null;
        if (replaces == false) {
            return Kind.PASS;
        }
        return request.ifSeqNo() == SequenceNumbers.UNASSIGNED_SEQ_NO ? Kind.SEND : Kind.EDIT;
    }

    static boolean anyNeedsWork(List<Item> items) {
        return items.stream().anyMatch(item -> item.kind != Kind.PASS) || items.size() == 1 && items.get(0).isLoneCreation();
    }

    /**
     * Whether it may be the creation of a document by a single {@code _update}. If that fails because the document was created meanwhile,
     * Elasticsearch merges the same request again; then it must be as it was sent, and not as the pipeline left it.
     */
    private boolean isLoneCreation() {
        return request.opType() == DocWriteRequest.OpType.CREATE && request.id() != null && processors.isEmpty() == false;
    }

    /** Whether the sender counts the versions, so that the write cannot depend on what was read, and a conflict is the sender's. */
    boolean hasExternalVersion() {
        return request.versionType() != VersionType.INTERNAL;
    }

    /** Whether what stands under its id must be read. */
    boolean dependsOnStored() {
        return kind == Kind.SEND || kind == Kind.EDIT;
    }

    /** Groups of items to be done one after the other, so that each sees what earlier ones did to its document. */
    static List<List<Item>> rounds(List<Item> items) {
        Set<String> indices = items.stream().filter(item -> item.kind != Kind.PASS).map(Item::index).collect(Collectors.toSet());
        List<List<Item>> rounds = new ArrayList<>();
        Map<List<String>, Integer> next = new HashMap<>();
        for (Item item : items) {
            boolean mayWait = item.request.id() != null && indices.contains(item.index);
            int round = mayWait ? next.merge(List.of(item.index, item.request.id()), 1, Integer::sum) - 1 : 0;
            if (round >= rounds.size()) {
                rounds.add(new ArrayList<>());
            }
            rounds.get(round).add(item);
        }
        return rounds;
    }
}
