package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.telemetry.metric.MeterRegistry;
import org.elasticsearch.threadpool.DefaultBuiltInExecutorBuilders;
import org.elasticsearch.threadpool.ThreadPool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FaceClientTests {

    private static final String OK = Answers.faces(Answers.face(10, 0.5));
    private static ThreadPool threadPool;

    private final List<AutoCloseable> open = new ArrayList<>();

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

    private FakeService service(int status, String body) {
        FakeService service = new FakeService(request -> new FakeService.Answer(status, body));
        open.add(service);
        return service;
    }

    /** A service that answers nothing before {@code gate} is opened. */
    private FakeService waitingService(CountDownLatch gate) {
        FakeService service = new FakeService(request -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new FakeService.Answer(200, OK);
        });
        open.add(service);
        return service;
    }

    private FaceClient client(String timeout, String... urls) {
        Settings settings = Settings.builder()
            .putList("face.endpoint.default.urls", urls)
            .put("face.endpoint.default.timeout", timeout)
            .build();
        FaceClient client = new FaceClient(new FaceEndpoints(settings), threadPool, 1_000, 10_000);
        open.add(0, client);
        return client;
    }

    private static PlainActionFuture<FaceClient.Timed> find(FaceClient client, FaceRequest.Priority priority) {
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        client.find("default", new FaceRequest("SECRETPHOTO", null, priority), future);
        return future;
    }

    private static PlainActionFuture<FaceClient.Timed> find(FaceClient client) {
        return find(client, FaceRequest.Priority.INGEST);
    }

    /** The endpoint's fault, which names no part of the photo. */
    private static String fault(PlainActionFuture<FaceClient.Timed> future) {
        ExecutionException failure = assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
        String message = assertInstanceOf(EsRejectedExecutionException.class, failure.getCause()).getMessage();
        assertFalse(message.contains("SECRET"), message);
        return message;
    }

    private static String host(String url) {
        return url.substring("http://".length());
    }

    @Test
    void theAnswerComesWithWhatItTook() throws Exception {
        FakeService service = service(200, OK);
        FaceClient.Timed timed = find(client("30s", service.url() + "/base/")).get();
        assertEquals(1, assertInstanceOf(FaceAnswer.Faces.class, timed.answer()).faces().size());
        assertTrue(timed.tookNanos() > 0);
        assertEquals("/base/v1/faces", service.requests.get(0).path());
        assertNull(service.requests.get(0).authorization());
    }

    @Test
    void copiesAreAskedInTurn() throws Exception {
        FakeService one = service(200, OK);
        FakeService two = service(200, OK);
        FaceClient client = client("30s", one.url(), two.url());
        for (int i = 0; i < 6; i++) {
            find(client).get();
        }
        assertEquals(List.of(3, 3), List.of(one.requests.size(), two.requests.size()));
    }

    @Test
    void aCopyThatIsDownIsPassedOver() throws Exception {
        FakeService up = service(200, OK);
        FaceClient client = client("30s", FakeService.refusingUrl(), FakeService.refusingUrl(), up.url());
        for (int i = 0; i < 3; i++) {
            assertInstanceOf(FaceAnswer.Faces.class, find(client).get().answer());
        }
    }

    @Test
    void aServiceThatIsDownIsNamedWithWhatToDo() {
        String url = FakeService.refusingUrl();
        assertEquals(
            "endpoint [default] cannot answer: connection refused by [" + host(url)
                + "]; start the service or fix [face.endpoint.default.urls], then send the document again",
            fault(find(client("30s", url)))
        );
        String search = fault(find(client("30s", url), FaceRequest.Priority.SEARCH));
        assertTrue(search.endsWith(", then search again"), search);
    }

    @Test
    void anAnswerThatDoesNotComeInTimeIsGivenUp() {
        FakeService service = waitingService(new CountDownLatch(1));
        assertEquals(
            "endpoint [default] cannot answer: no complete answer from [" + host(service.url())
                + "] within [50ms]; see what keeps the service, or raise [face.endpoint.default.timeout], then send the document again",
            fault(find(client("50ms", service.url())))
        );
    }

    @ParameterizedTest
    @ValueSource(ints = { 302, 400, 401, 403, 404, 409, 413, 429, 500, 503 })
    void aStatusOtherThan200IsTheEndpointsFaultAndItsReasonIsTold(int status) {
        FakeService service = service(status, "{\"error\": {\"code\": \"c\", \"message\": \"the reason\"}}");
        String message = fault(find(client("30s", service.url())));
        String start = "endpoint [default] cannot answer: [" + host(service.url()) + "] answered with status [" + status + "]: the reason; ";
        assertTrue(message.startsWith(start), message);
        assertEquals(1, service.requests.size(), "a server that answered is not asked again");
    }

    @Test
    void garbageIsTheEndpointsFault() {
        String message = fault(find(client("30s", service(200, "<html>SECRETPHOTO").url())));
        assertTrue(message.contains("sent an answer that cannot be used: it is not a JSON object"), message);
        assertTrue(fault(find(client("30s", service(502, "<html>SECRETPHOTO").url()))).contains("status [502]; see"));
    }

    @Test
    void anAnswerBeyondTheBoundIsNotReadToItsEnd() {
        String message = fault(find(client("30s", service(200, " ".repeat(10_001)).url())));
        assertTrue(message.contains("sent more than [10000] bytes"), message);
    }

    @Test
    void aBrokenConnectionIsTriedOnceMoreAndNoOftener() {
        FakeService service = service(200, null);
        String message = fault(find(client("30s", service.url())));
        assertTrue(message.contains("broke before the answer was complete"), message);
        assertEquals(2, service.requests.size());
    }

    @Test
    void whatCannotWaitIsRefusedAndSearchesGoFirst() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        FaceClient client = client("30s", service.url());
        List<PlainActionFuture<FaceClient.Timed>> taken = new ArrayList<>();
        // 11 bytes a photo, and room for 1,000 bytes in the waiting line.
        int waiting = 1_000 / "SECRETPHOTO".length();
        for (int i = 0; i < FaceClient.MAX_UNDER_WAY + waiting - 1; i++) {
            taken.add(find(client));
        }
        taken.add(find(client, FaceRequest.Priority.SEARCH));
        String message = fault(find(client));
        assertTrue(message.startsWith("endpoint [default] is busy: [990] bytes of photos, with room for [1000], wait for it already; "), message);
        gate.countDown();
        for (PlainActionFuture<FaceClient.Timed> future : taken) {
            future.get(30, TimeUnit.SECONDS);
        }
        int search = service.requests.indexOf(
            service.requests.stream().filter(request -> request.body().contains("\"search\"")).findFirst().orElseThrow()
        );
        assertTrue(search < 2 * FaceClient.MAX_UNDER_WAY, "the search came as number " + search);
    }

    @Test
    void waitingHasAnEndToo() {
        FakeService service = waitingService(new CountDownLatch(1));
        FaceClient client = client("100ms", service.url());
        List<PlainActionFuture<FaceClient.Timed>> all = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            all.add(find(client));
        }
        List<String> messages = all.stream().map(FaceClientTests::fault).toList();
        assertTrue(messages.get(0).contains("within [100ms]"), messages.get(0));
        assertTrue(messages.get(29).contains("is busy: the photo waited [100ms] for its turn"), messages.get(29));
    }

    @Test
    void anUnknownEndpointIsFoundOutAtRunTime() {
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        client("30s", "http://127.0.0.1:1").find("x", Answers.REQUEST, future);
        assertTrue(fault(future).startsWith("endpoint [x] is not configured"));
    }

    @Test
    void closingFailsAllThatIsOpen() {
        FakeService service = waitingService(new CountDownLatch(1));
        FaceClient client = client("30s", service.url());
        List<PlainActionFuture<FaceClient.Timed>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(find(client));
        }
        client.close();
        all.add(find(client));
        all.forEach(future -> assertTrue(fault(future).contains("this node is shutting down")));
    }

    @Test
    void theListenerRunsInTheCallersThreadContextAndOnAThreadOfThePool() throws Exception {
        FaceClient client = client("30s", service(200, OK).url());
        PlainActionFuture<String> seen = new PlainActionFuture<>();
        try (var stored = threadPool.getThreadContext().newStoredContext()) {
            assertTrue(stored != null);
            threadPool.getThreadContext().putHeader("user", "ann");
            client.find("default", Answers.REQUEST, ActionListener.wrap(answer -> {
                seen.onResponse(threadPool.getThreadContext().getHeader("user") + " on " + Thread.currentThread().getName());
            }, seen::onFailure));
        }
        String where = seen.get();
        assertTrue(where.startsWith("ann on ") && where.contains("[generic]"), where);
    }
}
