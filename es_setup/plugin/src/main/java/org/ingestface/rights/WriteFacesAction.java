package org.ingestface.rights;

import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionRequestValidationException;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.ActionType;
import org.elasticsearch.action.IndicesRequest;
import org.elasticsearch.action.support.IndicesOptions;

/**
 * An action that does nothing: who may execute it on an index may write faces there as they are.
 *
 * <p>Its name makes it part of the index privileges {@code index}, {@code create}, {@code write} and {@code all}, and not of
 * {@code create_doc}. A role may also have it by name.
 */
public final class WriteFacesAction {

    public static final ActionType<ActionResponse.Empty> TYPE = new ActionType<>("indices:data/write/index:faces");

    private WriteFacesAction() {}

    /** Names the index, by which Elasticsearch authorizes it. */
    static final class Request extends ActionRequest implements IndicesRequest {

        private final String index;

        Request(String index) {
            this.index = index;
        }

        @Override
        public String[] indices() {
            return new String[] { index };
        }

        @Override
        public IndicesOptions indicesOptions() {
            return IndicesOptions.strictSingleIndexNoExpandForbidClosed();
        }

        @Override
        public ActionRequestValidationException validate() {
            return null;
        }
    }
}
