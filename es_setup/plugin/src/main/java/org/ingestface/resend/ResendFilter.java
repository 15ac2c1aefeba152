package org.ingestface.resend;

import java.util.List;
import java.util.function.Supplier;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.bulk.BulkResponse;
import org.elasticsearch.action.bulk.TransportBulkAction;
import org.elasticsearch.action.support.ActionFilterChain;
import org.elasticsearch.action.support.MappedActionFilter;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.tasks.Task;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * Lets what stands in an index outlive a photo that is sent again, whichever way it is sent.
 *
 * <p>A pipeline sees only what was sent, except in a single {@code _update}, which Elasticsearch merges with the stored document before it
 * goes through the pipeline. This filter makes every other way equal to that one, before any pipeline runs. PUT, the bulk API, reindex and
 * the write of an {@code _update} all pass the bulk action, so they pass here. A bulk that concerns no pipeline with a face processor
 * passes untouched.
 */
public final class ResendFilter implements MappedActionFilter {

    private final Client client;
    private final ThreadPool threadPool;
    private final Indices indices;
    private final FacePipelines pipelines;
    private final StoredDocuments documents;

    /** @param ingestService known once the node has made its processors, before it takes requests */
    public ResendFilter(Plugin.PluginServices services, Supplier<IngestService> ingestService) {
        this.client = services.client();
        this.threadPool = services.threadPool();
        this.indices = new Indices(services);
        this.pipelines = new FacePipelines(indices, ingestService);
        this.documents = new StoredDocuments(client, threadPool.getThreadContext());
    }

    @Override
    public String actionName() {
        return TransportBulkAction.NAME;
    }

    @Override
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        if (request instanceof BulkRequest bulk && bulk instanceof MergedBulk == false) {
            List<Item> items = Item.of(bulk, pipelines, indices);
            if (Item.anyNeedsWork(items)) {
                @SuppressWarnings("unchecked") // the response to a bulk request
                ActionListener<BulkResponse> ofBulk = (ActionListener<BulkResponse>) listener;
                ActionListener.run(ofBulk, l -> new BulkRun(bulk, items, client, threadPool, documents, l).start());
                return;
            }
        }
        chain.proceed(task, action, request, listener);
    }
}
