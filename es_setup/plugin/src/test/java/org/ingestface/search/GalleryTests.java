package org.ingestface.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.elasticsearch.action.search.MultiSearchRequest;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.search.SearchModule;
import org.elasticsearch.tasks.TaskId;
import org.elasticsearch.telemetry.metric.MeterRegistry;
import org.elasticsearch.threadpool.DefaultBuiltInExecutorBuilders;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.ingestface.calibration.Calibrations;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is searched in a gallery. The tests on a real server check what is found. */
class GalleryTests {

    private final List<SearchRequest> searches = new ArrayList<>();
    private final ThreadPool threadPool = new ThreadPool(
        Settings.builder().put("node.name", "test").build(),
        MeterRegistry.NOOP,
        new DefaultBuiltInExecutorBuilders()
    );

    @AfterEach
    void stopThreads() {
        ThreadPool.terminate(threadPool, 10, TimeUnit.SECONDS);
    }

    private Gallery gallery(Calibrations.Thresholds thresholds) {
        Class<?>[] interfaces = { Client.class };
        Client client = (Client) Proxy.newProxyInstance(Client.class.getClassLoader(), interfaces, (proxy, method, args) -> {
            searches.addAll(((MultiSearchRequest) args[0]).requests());
            return null;
        });
        SearchModule search = new SearchModule(Settings.EMPTY, List.of());
        NamedXContentRegistry queries = new NamedXContentRegistry(search.getNamedXContents());
        return Galleries.of(client, queries, threadPool, (galleries, model) -> thresholds);
    }

    @Test
    void theTaskOfAGallerySearchShowsNoVector() {
        Gallery.Lookup lookup = new Gallery.Lookup("g", 3, 0.5, List.of(Map.of("term", Map.of("tags", "watch"))));
        List<float[]> vectors = List.of(new float[] { 0.123f, 0.456f }, new float[] { 0.789f, 0.321f });
        gallery(new Calibrations.Thresholds(0.46, 0.46, Map.of())).find(lookup, null, "m", vectors, new PlainActionFuture<>());
        assertEquals(2, searches.size());
        for (SearchRequest search : searches) {
            String shown = search.createTask(1, "transport", "a", TaskId.EMPTY_TASK_ID, Map.of()).getDescription();
            assertFalse(shown.contains("0.123") || shown.contains("0.789"), shown);
            assertTrue(shown.contains("[g]"), shown);
        }
    }
}
