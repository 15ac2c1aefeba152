package org.ingestface;

import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.ActionType;
import org.elasticsearch.action.support.TransportAction;

/** An action of this plugin and the class that executes it. {@link VersionedPlugin} registers it. */
record PluginAction<Q extends ActionRequest, R extends ActionResponse>(
    ActionType<R> type,
    Class<? extends TransportAction<Q, R>> transport
) {}
