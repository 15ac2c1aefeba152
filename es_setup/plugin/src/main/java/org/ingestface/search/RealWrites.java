package org.ingestface.search;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.bulk.TransportBulkAction;
import org.elasticsearch.action.support.ActionFilterChain;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.action.support.MappedActionFilter;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.tasks.Task;

/**
 * Marks the thread context of every bulk, so that a processor can tell a document that will be stored from one of {@code _simulate},
 * whose result goes back to the caller.
 *
 * <p>PUT, the bulk API, reindex and the write of an {@code _update} all pass the bulk action, on the node that runs their pipelines too
 * if it is another one. Both simulations are actions of their own.
 */
public final class RealWrites implements MappedActionFilter {

    private static final String MARK = "face.real_write";

    private final ThreadContext context;

    public RealWrites(ThreadContext context) {
        this.context = context;
    }

    /** Whether the current thread works for a bulk. */
    static boolean isOne(ThreadContext context) {
        return context.getTransient(MARK) != null;
    }

    @Override
    public String actionName() {
        return TransportBulkAction.NAME;
    }

    @Override
    @SuppressWarnings("try") // the stored context is there to be closed, not to be used
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        if (isOne(context)) {
            chain.proceed(task, action, request, listener);
            return;
        }
        // The mark ends with the bulk: what the same thread does afterwards is no write.
        ActionListener<R> unmarked = ContextPreservingActionListener.wrapPreservingContext(listener, context);
        try (var stored = context.newStoredContext()) {
            context.putTransient(MARK, Boolean.TRUE);
            chain.proceed(task, action, request, unmarked);
        }
    }
}
