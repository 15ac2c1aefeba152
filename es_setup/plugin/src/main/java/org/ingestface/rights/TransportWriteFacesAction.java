package org.ingestface.rights;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.support.ActionFilters;
import org.elasticsearch.action.support.TransportAction;
import org.elasticsearch.common.util.concurrent.EsExecutors;
import org.elasticsearch.injection.guice.Inject;
import org.elasticsearch.tasks.Task;
import org.elasticsearch.transport.TransportService;

/** Executes {@link WriteFacesAction}, on the node that asks. What matters happens before it, in the filter of Elasticsearch's security. */
public final class TransportWriteFacesAction extends TransportAction<WriteFacesAction.Request, ActionResponse.Empty> {

    /** Called by Elasticsearch's injector. */
    @Inject
    public TransportWriteFacesAction(TransportService transport, ActionFilters filters) {
        super(WriteFacesAction.TYPE.name(), filters, transport.getTaskManager(), EsExecutors.DIRECT_EXECUTOR_SERVICE);
    }

    @Override
    protected void doExecute(Task task, WriteFacesAction.Request request, ActionListener<ActionResponse.Empty> listener) {
        listener.onResponse(ActionResponse.Empty.INSTANCE);
    }
}
