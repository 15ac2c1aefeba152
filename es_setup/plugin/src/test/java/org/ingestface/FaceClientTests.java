package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.index.VersionType;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.telemetry.metric.MeterRegistry;
import org.elasticsearch.threadpool.DefaultBuiltInExecutorBuilders;
import org.elasticsearch.threadpool.ThreadPool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FaceClientTests {

    private static ThreadPool threadPool;

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

    private FakeService service(Function<FakeService.Request, FakeService.Answer> answers) {
        FakeService service = new FakeService(answers);
        open.add(service);
        return service;
    }

    private FakeService service(int status, String body) {
        return service(request -> new FakeService.Answer(status, body));
    }

    private FakeService service() {
        return service(request -> new FakeService.Answer(200, Answers.echo(request)));
    }

    /** A service that answers nothing before {@code gate} is opened. */
    private FakeService waitingService(CountDownLatch gate) {
        return service(request -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new FakeService.Answer(200, Answers.echo(request));
        });
    }

    private FaceClient client(Settings settings) {
        FaceClient client = new FaceClient(new FaceEndpoints(settings), threadPool, config, 100_000);
        open.add(0, client);
        return client;
    }

    private static Settings.Builder settings(String... urls) {
        return Settings.builder().putList("face.endpoint.default.urls", urls).put("face.batch.linger", "0ms");
    }

    private FaceClient client(String timeout, String... urls) {
        return client(settings(urls).put("face.endpoint.default.timeout", timeout).build());
    }

    private static PlainActionFuture<FaceClient.Timed> find(FaceClient client, String photo, FaceRequest.Priority priority) {
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        client.find("default", new FaceRequest(photo, null, priority, FaceRequest.Wanted.ALL), future);
        return future;
    }

    private static PlainActionFuture<FaceClient.Timed> find(FaceClient client, FaceRequest.Priority priority) {
        return find(client, "SECRETPHOTO", priority);
    }

    private static PlainActionFuture<FaceClient.Timed> find(FaceClient client) {
        return find(client, FaceRequest.Priority.INGEST);
    }

    private static List<PlainActionFuture<FaceClient.Timed>> findAll(FaceClient client, int photos) {
        return IntStream.range(0, photos).mapToObj(i -> find(client, "photo-" + i, FaceRequest.Priority.INGEST)).toList();
    }

    /** The photo that an answer of {@link Answers#echo} is about. */
    private static String photo(PlainActionFuture<FaceClient.Timed> future) throws Exception {
        return ((FaceAnswer.Faces) future.get(30, TimeUnit.SECONDS).answer()).thumbnail();
    }

    private static List<Integer> sizes(FakeService service) {
        return service.requests.stream().map(request -> request.images().size()).toList();
    }

    private static EndpointStats.Snapshot documents(FaceClient client) {
        return client.stats().get("default").documents();
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
        FakeService service = service();
        FaceClient.Timed timed = find(client("30s", service.url() + "/base/")).get();
        assertEquals(1, assertInstanceOf(FaceAnswer.Faces.class, timed.answer()).faces().size());
        assertTrue(timed.tookNanos() > 0);
        assertEquals("/base/v1/faces", service.requests.get(0).path());
        assertNull(service.requests.get(0).authorization());
    }

    @Test
    void copiesAreAskedInTurn() throws Exception {
        FakeService one = service();
        FakeService two = service();
        FaceClient client = client("30s", one.url(), two.url());
        for (int i = 0; i < 6; i++) {
            find(client).get();
        }
        assertEquals(List.of(3, 3), List.of(one.requests.size(), two.requests.size()));
    }

    @Test
    void aCopyThatIsDownIsPassedOver() throws Exception {
        FakeService up = service();
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
    @ValueSource(ints = { 302, 400, 401, 403, 404, 409, 413 })
    void whatAskingAgainCannotChangeIsNotAskedAgainAndItsReasonIsTold(int status) {
        FakeService service = service(status, "{\"error\": {\"code\": \"c\", \"message\": \"the reason\"}}");
        FaceClient client = client("30s", service.url());
        String message = fault(find(client));
        String start = "endpoint [default] cannot answer: [" + host(service.url()) + "] answered with status [" + status + "]: the reason; ";
        assertTrue(message.startsWith(start), message);
        assertEquals(1, service.requests.size());
        assertEquals(Map.of("status_" + status, 1L), documents(client).failures());
    }

    @ParameterizedTest
    @ValueSource(ints = { 429, 500, 502, 503, 504 })
    void whatMayPassIsAskedAgainAndThenGivenUp(int status) {
        FakeService service = service(status, "{\"error\": {\"code\": \"c\", \"message\": \"the reason\"}}");
        FaceClient client = client("30s", service.url());
        assertTrue(fault(find(client)).contains("answered with status [" + status + "]: the reason; "));
        assertEquals(1 + Backoff.MAX_RETRIES, service.requests.size());
        assertEquals(Backoff.MAX_RETRIES, documents(client).retries());
    }

    @Test
    void aServiceThatComesBackInTimeIsNotNoticedByTheSender() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        FakeService service = service(
            request -> asked.incrementAndGet() < 3 ? new FakeService.Answer(503, "{}") : new FakeService.Answer(200, Answers.echo(request))
        );
        FaceClient client = client("30s", service.url());
        assertEquals("SECRETPHOTO", photo(find(client)));
        assertEquals(2, documents(client).retries());
        assertEquals(Map.of(), documents(client).failures());
    }

    @Test
    void retryAfterIsHonoured() throws Exception {
        List<Long> times = new CopyOnWriteArrayList<>();
        FakeService service = service(request -> {
            times.add(System.nanoTime());
            return times.size() == 1
                ? new FakeService.Answer(429, "{}", Map.of("Retry-After", "1"))
                : new FakeService.Answer(200, Answers.echo(request));
        });
        photo(find(client("30s", service.url())));
        assertTrue(times.get(1) - times.get(0) >= 1_000_000_000L);
    }

    @Test
    void copiesThatAreAllFullAreLeftAloneForAPauseThoughNoneSaysHowLong() throws Exception {
        List<Long> times = new CopyOnWriteArrayList<>();
        Function<FakeService.Request, FakeService.Answer> full = request -> {
            times.add(System.nanoTime());
            return times.size() <= 2 ? new FakeService.Answer(429, "{}") : new FakeService.Answer(200, Answers.echo(request));
        };
        photo(find(client("30s", service(full).url(), service(full).url())));
        assertEquals(3, times.size());
        long pause = TimeUnit.NANOSECONDS.toMillis(times.get(2) - times.get(1));
        assertTrue(pause >= 50, pause + " ms");
    }

    @Test
    void aRetryThatWouldComeTooLateIsNotWaitedFor() {
        FakeService service = service(request -> new FakeService.Answer(429, "{}", Map.of("Retry-After", "3600")));
        assertTrue(fault(find(client("30s", service.url()))).contains("status [429]"));
        assertEquals(1, service.requests.size());
    }

    @Test
    void garbageIsTheEndpointsFault() {
        String message = fault(find(client("30s", service(200, "<html>SECRETPHOTO").url())));
        assertTrue(message.contains("sent an answer that cannot be used: it is not a JSON object"), message);
        assertTrue(fault(find(client("30s", service(502, "<html>SECRETPHOTO").url()))).contains("status [502]; see"));
    }

    @Test
    void aCopyThatAnswersGarbageIsTakenOutAndTheOtherAsked() throws Exception {
        FakeService broken = service(200, "<html>");
        FakeService whole = service();
        FaceClient client = client("30s", broken.url(), whole.url());
        for (int i = 0; i < 6; i++) {
            photo(find(client));
        }
        assertEquals(List.of(1, 6), List.of(broken.requests.size(), whole.requests.size()));
        List<String> states = client.stats().get("default").addresses().stream().map(address -> address.isOut() ? "out" : "in").toList();
        assertEquals(List.of("out", "in"), states);
    }

    @Test
    void anAnswerOfAnotherModelIsRefused() {
        FaceClient client = client("30s", service().url());
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        client.find("default", new FaceRequest("a", "m2", FaceRequest.Priority.INGEST, FaceRequest.Wanted.ALL), future);
        assertTrue(fault(future).contains("it is of model [" + Answers.MODEL + "], asked for was [m2]"));
    }

    @Test
    void anAnswerBeyondTheBoundIsNotReadToItsEnd() {
        String message = fault(find(client("30s", service(200, " ".repeat(100_001)).url())));
        assertTrue(message.contains("sent more than [100000] bytes"), message);
    }

    @Test
    void answersTogetherHoldNoMoreThanTheyMayAndLeaveNothingBehind() throws Exception {
        AtomicBoolean endless = new AtomicBoolean(true);
        FakeService service = service(
            request -> new FakeService.Answer(200, endless.get() ? " ".repeat(90_000) : Answers.echo(request))
        );
        Settings.Builder settings = settings(service.url()).put("face.batch.size", 1).put("face.queue.bytes", "50000b");
        FaceClient client = client(settings.build());
        List<PlainActionFuture<FaceClient.Timed>> all = findAll(client, 4);
        for (PlainActionFuture<FaceClient.Timed> future : all) {
            String message = fault(future);
            assertTrue(message.contains("there is no room for the answer of"), message);
        }
        endless.set(false);
        assertEquals("SECRETPHOTO", photo(find(client)));
    }

    @Test
    void aBrokenConnectionIsTriedAgainAndNotForEver() {
        FakeService service = service(200, null);
        String message = fault(find(client("30s", service.url())));
        assertTrue(message.contains("broke before the answer was complete"), message);
        assertEquals(1 + Backoff.MAX_RETRIES, service.requests.size());
    }

    @Test
    void photosLeaveTogetherAndEachGetsItsOwnAnswer() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        // The first goes alone; what gathers behind it goes by sixteen.
        List<PlainActionFuture<FaceClient.Timed>> all = findAll(client, 41);
        gate.countDown();
        for (int i = 0; i < all.size(); i++) {
            assertEquals("photo-" + i, photo(all.get(i)));
        }
        assertEquals(List.of(1, 16, 16, 8), sizes(service));
        EndpointStats.Snapshot counted = documents(client);
        assertEquals(List.of(41L, 4L, 0L, 0L), List.of(counted.photos(), counted.batches(), counted.retries(), counted.bytes()));
        assertEquals(List.of(0, 0), List.of(counted.queued(), counted.inFlight()));
        assertEquals(4, Arrays.stream(counted.latency()).sum());
    }

    @Test
    void aBatchThatIsNotFullLingersAndASearchDoesNot() throws Exception {
        FakeService service = service();
        FaceClient client = client(settings(service.url()).put("face.batch.linger", "10s").put("face.batch.size", 3).build());
        PlainActionFuture<FaceClient.Timed> lingers = find(client);
        photo(find(client, FaceRequest.Priority.SEARCH));
        assertFalse(lingers.isDone());
        findAll(client, 2);
        photo(lingers);
        assertEquals(List.of(1, 3), sizes(service));
    }

    @Test
    void whoLingersInVainLeavesAlone() throws Exception {
        FakeService service = service();
        photo(find(client(settings(service.url()).put("face.batch.linger", "20ms").build())));
        assertEquals(List.of(1), sizes(service));
    }

    @Test
    void onlyPhotosOfOneModelLeaveTogetherSinceARequestNamesOne() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        find(client);
        List<PlainActionFuture<FaceClient.Timed>> all = new ArrayList<>();
        for (String model : new String[] { Answers.MODEL, null, Answers.MODEL }) {
            PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
            client.find("default", new FaceRequest("a", model, FaceRequest.Priority.INGEST, FaceRequest.Wanted.ALL), future);
            all.add(future);
        }
        gate.countDown();
        for (PlainActionFuture<FaceClient.Timed> future : all) {
            photo(future);
        }
        assertEquals(List.of(1, 2, 1), sizes(service));
    }

    @Test
    void aBatchIsBoundedByBytes() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.in_flight", 1).put("face.batch.bytes", "25b");
        FaceClient client = client(settings.build());
        List<PlainActionFuture<FaceClient.Timed>> all = IntStream.range(0, 6).mapToObj(i -> find(client)).toList();
        gate.countDown();
        for (PlainActionFuture<FaceClient.Timed> future : all) {
            photo(future);
        }
        assertEquals(List.of(1, 2, 2, 1), sizes(service));
    }

    @Test
    void noMoreRequestsAreUnderWayThanAllowedAndASearchHasAPlaceOfItsOwn() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = service(request -> {
            if (request.body().contains("\"search\"") == false) {
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                inside.decrementAndGet();
            }
            return new FakeService.Answer(200, Answers.echo(request));
        });
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 3).put("face.batch.size", 2).build());
        List<PlainActionFuture<FaceClient.Timed>> all = findAll(client, 20);
        photo(find(client, FaceRequest.Priority.SEARCH));
        assertEquals(3, documents(client).inFlight());
        while (inside.get() < 3) {
            Thread.sleep(1); // a request under way may not have arrived yet
        }
        gate.countDown();
        for (PlainActionFuture<FaceClient.Timed> future : all) {
            photo(future);
        }
        assertEquals(3, most.get());
    }

    @Test
    void whatCannotWaitIsRefusedByCountAndByBytesAndWaitsAgainLater() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.in_flight", 1).put("face.batch.size", 1);
        FaceClient byCount = client(settings.put("face.queue.size", 2).build());
        List<PlainActionFuture<FaceClient.Timed>> taken = new ArrayList<>(findAll(byCount, 3));
        String message = fault(find(byCount));
        assertEquals(
            "endpoint [default] is busy: [2] photos wait for it already; send less at a time, add copies of the service to "
                + "[face.endpoint.default.urls] or raise [face.queue.size], then send the document again",
            message
        );
        // 11 bytes a photo, those under way included.
        FaceClient byBytes = client(settings.put("face.queue.size", 100).put("face.queue.bytes", "30b").build());
        taken.addAll(List.of(find(byBytes), find(byBytes)));
        message = fault(find(byBytes));
        assertTrue(message.startsWith("endpoint [default] is busy: [22] bytes of photos, with room for [30], wait for it already; "), message);
        assertEquals(Map.of("queue_full", 1L), documents(byBytes).failures());
        assertEquals(22, documents(byBytes).bytes());
        gate.countDown();
        for (PlainActionFuture<FaceClient.Timed> future : taken) {
            photo(future);
        }
        photo(find(byBytes));
        photo(find(byCount));
        assertEquals(0, documents(byBytes).bytes());
    }

    @Test
    void waitingHasAnEndToo() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.size", 1).put("face.batch.in_flight", 1);
        FaceClient client = client(settings.put("face.endpoint.default.timeout", "30s").build());
        PlainActionFuture<FaceClient.Timed> underWay = find(client);
        while (service.requests.isEmpty()) {
            Thread.onSpinWait();
        }
        client.endpoints().changeSettings(settings.put("face.endpoint.default.timeout", "100ms").build());
        for (PlainActionFuture<FaceClient.Timed> waits : findAll(client, 20)) {
            String message = fault(waits);
            assertTrue(message.contains("is busy: the photo waited [100ms] for its turn"), message);
        }
        gate.countDown();
        photo(underWay);
        EndpointStats.Snapshot left = documents(client);
        assertEquals(List.of(0L, 0L, 0L), List.of((long) left.queued(), left.bytes(), (long) left.inFlight()));
        assertEquals(Map.of("queue_timeout", 20L), left.failures());
    }

    @Test
    void whatIsCountedOfOneEndpointIsNotCountedOfAnother() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FaceClient client = client(settings(waitingService(gate).url()).putList("face.endpoint.other.urls", "http://127.0.0.1:1").build());
        PlainActionFuture<FaceClient.Timed> waits = find(client);
        assertEquals(11, documents(client).bytes());
        assertEquals(0, client.stats().get("other").documents().bytes());
        gate.countDown();
        photo(waits);
        assertEquals(0, documents(client).bytes());
    }

    @Test
    void aPhotoThatBreaksTheServiceTakesNoNeighbourWithIt() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = service(request -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new FakeService.Answer(200, request.images().contains("SECRETPOISON") ? null : Answers.echo(request));
        });
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        find(client);
        PlainActionFuture<FaceClient.Timed> poison = find(client, "SECRETPOISON", FaceRequest.Priority.INGEST);
        List<PlainActionFuture<FaceClient.Timed>> neighbours = findAll(client, 3);
        gate.countDown();
        for (int i = 0; i < neighbours.size(); i++) {
            assertEquals("photo-" + i, photo(neighbours.get(i)));
        }
        assertTrue(fault(poison).contains("broke before the answer was complete"));
        assertEquals(Map.of("connection_lost", 1L), documents(client).failures());
        assertEquals(List.of(0L, 0L), List.of(documents(client).bytes(), (long) documents(client).inFlight()));
    }

    @Test
    void aListenerThatFailsTakesNoNeighbourWithIt() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FaceClient client = client(settings(waitingService(gate).url()).put("face.batch.in_flight", 1).build());
        find(client);
        FaceRequest request = new FaceRequest("a", null, FaceRequest.Priority.INGEST, FaceRequest.Wanted.ALL);
        client.find("default", request, new ActionListener<>() {
            @Override
            public void onResponse(FaceClient.Timed answer) {
                throw new IllegalStateException("a listener's own trouble");
            }

            @Override
            public void onFailure(Exception e) {}
        });
        PlainActionFuture<FaceClient.Timed> neighbour = find(client);
        gate.countDown();
        assertEquals("SECRETPHOTO", photo(neighbour));
    }

    @Test
    void anAuthorityThatCannotBeUsedIsNamedAndNoFileOutsideOfTheConfigFolderIsRead() throws Exception {
        Files.writeString(config.resolve("text.pem"), "no certificate");
        Map<String, String> reasons = Map.of(
            "absent.pem",
            "there is no file [absent.pem] in the config folder",
            "../../etc/passwd",
            "the file [../../etc/passwd] is not below the config folder",
            "/etc/passwd",
            "the file [/etc/passwd] is not below the config folder",
            "text.pem",
            "the file [text.pem] is not in PEM format"
        );
        FakeService service = service();
        for (Map.Entry<String, String> reason : reasons.entrySet()) {
            Settings.Builder settings = settings(service.url());
            FaceClient client = client(settings.putList("face.endpoint.default.ssl.certificate_authorities", reason.getKey()).build());
            String message = fault(find(client));
            assertTrue(message.contains(reason.getValue() + "; fix [face.endpoint.default.ssl.certificate_authorities]"), message);
        }
        assertEquals(0, service.requests.size());
    }

    @Test
    void whatIsWantedOfAPhotoIsSentWithIt() throws Exception {
        FakeService service = service();
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        FaceRequest.Wanted wanted = new FaceRequest.Wanted(2, 0.5, 0.25);
        client("30s", service.url()).find("default", new FaceRequest("a", "facenet-1a2b3c4d", FaceRequest.Priority.INGEST, wanted), future);
        future.get(30, TimeUnit.SECONDS);
        String body = service.requests.get(0).body();
        assertTrue(body.contains("\"options\":{\"max_faces\":2,\"min_confidence\":0.5,\"min_quality\":0.25}"), body);
        assertTrue(body.startsWith("{\"model\":\"facenet-1a2b3c4d\",\"priority\":\"ingest\""), body);
    }

    @Test
    void anUnknownEndpointIsFoundOutAtRunTime() {
        PlainActionFuture<FaceClient.Timed> future = new PlainActionFuture<>();
        client("30s", "http://127.0.0.1:1").find("x", Answers.REQUEST, future);
        assertTrue(fault(future).startsWith("endpoint [x] is not configured; set [face.endpoint.x.urls]"));
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
        FaceClient client = client("30s", service().url());
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

    @Test
    void statisticsCanBeHadWhileEndpointsComeAndGo() throws Exception {
        Settings configured = settings("http://127.0.0.1:1").build();
        FaceEndpoints endpoints = new FaceEndpoints(configured);
        FaceClient client = new FaceClient(endpoints, threadPool, config, 100_000);
        open.add(0, client);
        Thread changes = new Thread(() -> {
            for (int i = 0; i < 5_000; i++) {
                endpoints.changeSettings(i % 2 == 0 ? Settings.EMPTY : configured);
            }
        });
        changes.start();
        while (changes.isAlive()) {
            client.stats();
        }
        changes.join();
    }

    @Test
    void aShorterLingerHoldsForWhatLingersAlready() throws Exception {
        Settings.Builder settings = settings(service().url());
        FaceEndpoints endpoints = new FaceEndpoints(settings.put("face.batch.linger", "10s").build());
        FaceClient client = new FaceClient(endpoints, threadPool, config, 100_000);
        open.add(0, client);
        PlainActionFuture<FaceClient.Timed> first = find(client);
        endpoints.changeSettings(settings.put("face.batch.linger", "300ms").build());
        find(client).get(5, TimeUnit.SECONDS);
        first.get(5, TimeUnit.SECONDS);
    }

    @Test
    void theProcessorAnswersOnceWhateverItsHandlerDoes() throws Exception {
        FakeService service = service(request -> new FakeService.Answer(200, Answers.faces()));
        FaceClient client = client("30s", service.url());
        FaceProcessor processor = new FaceProcessor.Factory(() -> client, () -> new Gallery(null, null, threadPool, null)).create(
            "tag",
            null,
            new HashMap<>(Map.of("identify", Map.of("index", "g")))
        );
        List<String> answers = new CopyOnWriteArrayList<>();
        IngestDocument document = new IngestDocument("i", "1", 1, null, VersionType.INTERNAL, new HashMap<>(Map.of("image", "a")));
        processor.execute(document, (result, failure) -> {
            answers.add(failure == null ? "answer" : "failure");
            throw new IllegalStateException("a handler's own trouble");
        });
        while (answers.isEmpty() || documents(client).inFlight() > 0) {
            Thread.sleep(10);
        }
        Thread.sleep(50);
        assertEquals(List.of("answer"), answers);
    }
}
