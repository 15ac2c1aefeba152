package org.ingestface.rights;

import java.util.List;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.rest.RestStatus;

/** The rights of the user in whose thread context it is asked. Without security everybody has them. */
public final class CallersRights implements FaceRights {

    private final Client client;
    private final ThreadContext context;

    public CallersRights(Client client, ThreadContext context) {
        this.client = client;
        this.context = context;
    }

    @Override
    public void require(String index, List<String> fields, ActionListener<Void> listener) {
        ActionListener<ActionResponse.Empty> authorized = new ActionListener<>() {
            @Override
            public void onResponse(ActionResponse.Empty response) {
                listener.onResponse(null);
            }

            @Override
            public void onFailure(Exception e) {
                boolean isForbidden = ExceptionsHelper.status(e) == RestStatus.FORBIDDEN;
                listener.onFailure(isForbidden ? refusal(index, fields) : e);
            }
        };
        client.execute(
            WriteFacesAction.TYPE,
            new WriteFacesAction.Request(index),
            ContextPreservingActionListener.wrapPreservingContext(authorized, context)
        );
    }

    private static ElasticsearchSecurityException refusal(String index, List<String> fields) {
        return new ElasticsearchSecurityException(
            "only the processor [face] writes {}: send the photo without them; to write faces as they are, as a reindex does, you need "
                + "the index privilege [index], [create], [write] or [{}] on [{}]",
            RestStatus.FORBIDDEN,
            fields,
            WriteFacesAction.TYPE.name(),
            index
        );
    }
}
