package org.ingestface.resend;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.get.MultiGetItemResponse;
import org.elasticsearch.action.get.MultiGetRequest;
import org.elasticsearch.action.get.MultiGetResponse;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.search.fetch.subphase.FetchSourceContext;

/** Reads the documents that stand under the ids of a bulk, as of now and with the sender's own rights. */
final class StoredDocuments {

    private final Client client;
    private final ThreadContext context;

    StoredDocuments(Client client, ThreadContext context) {
        this.client = client;
        this.context = context;
    }

    /** Calls back with what stands for each item's slot; never fails as a whole. */
    void read(List<Item> items, ActionListener<Map<Integer, Stored>> listener) {
        if (items.isEmpty()) {
            listener.onResponse(Map.of());
            return;
        }
        MultiGetRequest request = new MultiGetRequest();
        for (Item item : items) {
            MultiGetRequest.Item get = new MultiGetRequest.Item(item.index(), item.request().id());
            request.add(get.routing(item.request().routing()).fetchSourceContext(source(item)));
        }
        client.multiGet(request, ContextPreservingActionListener.wrapPreservingContext(new ActionListener<>() {
            @Override
            public void onResponse(MultiGetResponse response) {
                Map<Integer, Stored> stored = new HashMap<>();
                for (int i = 0; i < items.size(); i++) {
                    MultiGetItemResponse answer = response.getResponses()[i];
                    stored.put(
                        items.get(i).slot(),
                        answer.isFailed() ? Stored.unreadable(answer.getFailure().getFailure()) : Stored.of(answer.getResponse())
                    );
                }
                listener.onResponse(stored);
            }

            @Override
            public void onFailure(Exception e) {
                Map<Integer, Stored> stored = new HashMap<>();
                items.forEach(item -> stored.put(item.slot(), Stored.unreadable(e)));
                listener.onResponse(stored);
            }
        }, context));
    }

    /** With the vectors, which Elasticsearch 9 leaves out by default; without a stored photo that the sent one replaces anyway. */
    private static FetchSourceContext source(Item item) {
        String[] photos = item.kind() == Item.Kind.EDIT
            ? null
            : item.processors().stream().map(processor -> processor.options().photoPath()).toArray(String[]::new);
        return FetchSourceContext.of(true, false, null, photos);
    }
}
