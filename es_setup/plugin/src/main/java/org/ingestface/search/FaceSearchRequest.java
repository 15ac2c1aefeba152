package org.ingestface.search;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Supplier;

import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchTask;
import org.elasticsearch.tasks.TaskId;

/** A search whose task shows neither the vector nor a name, because any user with the privilege {@code monitor} can list tasks. */
final class FaceSearchRequest extends SearchRequest {

    FaceSearchRequest(String... indices) {
        super(indices);
    }

    @Override
    public SearchTask createTask(long id, String type, String action, TaskId parent, Map<String, String> headers) {
        Supplier<String> description = () -> "indices" + Arrays.toString(indices()) + ", a face is looked up";
        return new SearchTask(id, type, action, description, parent, headers);
    }
}
