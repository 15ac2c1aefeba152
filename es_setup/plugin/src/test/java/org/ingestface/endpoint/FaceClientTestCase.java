package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;

import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.telemetry.metric.MeterRegistry;
import org.elasticsearch.threadpool.DefaultBuiltInExecutorBuilders;
import org.elasticsearch.threadpool.ThreadPool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Makes fake services and clients, which are closed after each test. */
@Timeout(60)
abstract class FaceClientTestCase {

    static final int MAX_ANSWER = 100_000;

    static ThreadPool threadPool;

    private final List<AutoCloseable> open = new ArrayList<>();

    @TempDir
    Path config;

    @BeforeAll
    static void startThreads() {
        Settings settings = Settings.builder().put("node.name", "test").build();
        threadPool = new ThreadPool(settings, MeterRegistry.NOOP, new DefaultBuiltInExecutorBuilders());
    }

    @AfterAll
    static void stopThreads() {
        ThreadPool.terminate(threadPool, 10, TimeUnit.SECONDS);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
    }

    FakeService service(Function<FakeService.Request, FakeService.Answer> answers) {
        FakeService service = new FakeService(answers);
        open.add(service);
        return service;
    }

    FakeService service(int status, String body) {
        return service(request -> new FakeService.Answer(status, body));
    }

    FakeService service() {
        return service(request -> new FakeService.Answer(200, Answers.echo(request)));
    }

    /** A service that does not answer before {@code gate} is opened. */
    FakeService waitingService(CountDownLatch gate) {
        return service(request -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new FakeService.Answer(200, Answers.echo(request));
        });
    }

    FaceClient client(Settings settings) {
        return client(new FaceEndpoints(settings));
    }

    FaceClient client(FaceEndpoints endpoints) {
        FaceClient client = new FaceClient(endpoints, threadPool, config, MAX_ANSWER);
        open.add(0, client);
        return client;
    }

    static Settings.Builder settings(String... urls) {
        return Settings.builder().putList("face.endpoint.default.urls", urls).put("face.batch.linger", "0ms");
    }

    FaceClient client(String timeout, String... urls) {
        return client(settings(urls).put("face.endpoint.default.timeout", timeout).build());
    }

    static PlainActionFuture<FaceClient.TimedAnswer> find(FaceClient client, String photo, FaceRequest.Priority priority) {
        PlainActionFuture<FaceClient.TimedAnswer> future = new PlainActionFuture<>();
        client.find("default", new FaceRequest(photo, null, priority, FaceRequest.Limits.NONE), future);
        return future;
    }

    static PlainActionFuture<FaceClient.TimedAnswer> find(FaceClient client, FaceRequest.Priority priority) {
        return find(client, "SECRETPHOTO", priority);
    }

    static PlainActionFuture<FaceClient.TimedAnswer> find(FaceClient client) {
        return find(client, FaceRequest.Priority.INGEST);
    }

    static List<PlainActionFuture<FaceClient.TimedAnswer>> findAll(FaceClient client, int photos) {
        return IntStream.range(0, photos).mapToObj(i -> find(client, "photo-" + i, FaceRequest.Priority.INGEST)).toList();
    }

    /** The photo that was answered, for a service that uses {@link Answers#echo}. */
    static String photo(PlainActionFuture<FaceClient.TimedAnswer> future) throws Exception {
        return ((FaceAnswer.Faces) future.get(30, TimeUnit.SECONDS).answer()).thumbnail();
    }

    static List<Integer> sizes(FakeService service) {
        return service.requests.stream().map(request -> request.images().size()).toList();
    }

    static QueueStats.Snapshot documents(FaceClient client) {
        return client.stats().get("default").documents();
    }

    /** The message of the endpoint's fault, checked to contain no part of the photo. */
    static String fault(PlainActionFuture<FaceClient.TimedAnswer> future) {
        ExecutionException failure = assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
        String message = assertInstanceOf(EsRejectedExecutionException.class, failure.getCause()).getMessage();
        assertFalse(message.contains("SECRET"), message);
        return message;
    }

    static String host(String url) {
        return url.substring("http://".length());
    }
}
