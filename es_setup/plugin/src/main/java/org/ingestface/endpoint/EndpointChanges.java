package org.ingestface.endpoint;

import java.util.List;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.admin.cluster.settings.ClusterUpdateSettingsAction;
import org.elasticsearch.action.admin.cluster.settings.ClusterUpdateSettingsRequest;
import org.elasticsearch.action.support.ActionFilterChain;
import org.elasticsearch.action.support.MappedActionFilter;
import org.elasticsearch.tasks.Task;

/**
 * Refuses a change of the cluster's settings to an endpoint that this node could not use.
 *
 * <p>Not a validator of the setting: it would run when a node reads the cluster's state too, and one with an older address in it could not
 * start.
 */
public final class EndpointChanges implements MappedActionFilter {

    private final FaceEndpoints endpoints;

    public EndpointChanges(FaceEndpoints endpoints) {
        this.endpoints = endpoints;
    }

    @Override
    public String actionName() {
        return ClusterUpdateSettingsAction.NAME;
    }

    @Override
    @SuppressWarnings("deprecation") // transient settings work as long as they exist
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        if (request instanceof ClusterUpdateSettingsRequest change) {
            List<EndpointFault> faults;
            try {
                faults = endpoints.faultsOf(List.of(change.persistentSettings(), change.transientSettings()));
            } catch (IllegalArgumentException e) {
                listener.onFailure(e);
                return;
            }
            if (faults.isEmpty() == false) {
                listener.onFailure(new IllegalArgumentException(faults.get(0).message()));
                return;
            }
        }
        chain.proceed(task, action, request, listener);
    }
}
