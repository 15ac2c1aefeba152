package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Retries and the faults of endpoints. */
class FaceClientFaultsTests extends FaceClientTestCase {

    @Test
    void aServiceThatIsDownIsNamedWithTheSettingToFix() {
        String url = FakeService.refusingUrl();
        FaceClient client = client("30s", url);
        String message = fault(find(client));
        assertEquals(List.of("default", host(url), "face.endpoint.default.urls"), Facts.of(message));
        assertTrue(message.contains("refused") && message.contains("document again"), message);
        assertEquals(Map.of("connect", 1L), documents(client).failures());
        String search = fault(find(client, FaceRequest.Priority.SEARCH));
        assertTrue(search.contains("search again"), search);
    }

    @Test
    void aRequestWithoutAnAnswerIsGivenUpAfterTheTimeout() {
        FakeService service = waitingService(new CountDownLatch(1));
        FaceClient client = client("50ms", service.url());
        String message = fault(find(client));
        assertEquals(List.of("default", host(service.url()), "50ms", "face.endpoint.default.timeout"), Facts.of(message));
        assertEquals(Map.of("timeout", 1L), documents(client).failures());
    }

    @ParameterizedTest
    @ValueSource(ints = { 302, 400, 401, 403, 404, 409, 413 })
    void afterAPermanentErrorThereIsNoRetryAndTheReasonIsTold(int status) {
        FakeService service = service(status, "{\"error\": {\"code\": \"c\", \"message\": \"the reason\"}}");
        FaceClient client = client("30s", service.url());
        String message = fault(find(client));
        assertEquals(List.of("default", host(service.url()), String.valueOf(status)), Facts.of(message).subList(0, 3));
        assertTrue(message.contains("the reason"), message);
        assertEquals(1, service.requests.size());
        assertEquals(Map.of("status_" + status, 1L), documents(client).failures());
    }

    @ParameterizedTest
    @ValueSource(ints = { 429, 500, 502, 503, 504 })
    void afterATemporaryErrorThereAreRetriesUpToTheLimit(int status) {
        FakeService service = service(status, "{\"error\": {\"code\": \"c\", \"message\": \"the reason\"}}");
        FaceClient client = client("30s", service.url());
        String message = fault(find(client));
        assertEquals(String.valueOf(status), Facts.of(message).get(2));
        assertTrue(message.contains("the reason"), message);
        assertEquals(1 + Backoff.MAX_RETRIES, service.requests.size());
        assertEquals(Backoff.MAX_RETRIES, documents(client).retries());
    }

    @Test
    void aServiceThatRecoversInTimeCausesNoFailure() throws Exception {
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
    void retryAfterIsObeyed() throws Exception {
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
    void ifAllCopiesAreOverloadedThereIsAPauseEvenWithoutRetryAfter() throws Exception {
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
    void aRetryAfterTheTimeoutIsNotWaitedFor() {
        FakeService service = service(request -> new FakeService.Answer(429, "{}", Map.of("Retry-After", "3600")));
        assertEquals("429", Facts.of(fault(find(client("30s", service.url())))).get(2));
        assertEquals(1, service.requests.size());
    }

    @Test
    void garbageIsAFaultOfTheEndpoint() {
        FaceClient client = client("30s", service(200, "<html>SECRETPHOTO").url());
        assertTrue(fault(find(client)).contains("JSON object"));
        assertEquals(Map.of("malformed", 1L), documents(client).failures());
        assertEquals("502", Facts.of(fault(find(client("30s", service(502, "<html>SECRETPHOTO").url())))).get(2));
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
        PlainActionFuture<FaceClient.TimedAnswer> future = new PlainActionFuture<>();
        client.find("default", new FaceRequest("a", "m2", FaceRequest.Priority.INGEST, FaceRequest.Limits.NONE), future);
        assertTrue(Facts.of(fault(future)).containsAll(List.of(Answers.MODEL, "m2")));
    }

    @Test
    void anAnswerBeyondTheLimitIsNotReadToItsEnd() {
        FaceClient client = client("30s", service(200, " ".repeat(MAX_ANSWER + 1)).url());
        assertTrue(Facts.of(fault(find(client))).contains(String.valueOf(MAX_ANSWER)));
        assertEquals(Map.of("too_large", 1L), documents(client).failures());
    }

    @Test
    void allAnswersTogetherAreLimitedAndReleaseTheirBytes() throws Exception {
        AtomicBoolean endless = new AtomicBoolean(true);
        FakeService service = service(
            request -> new FakeService.Answer(200, endless.get() ? " ".repeat(90_000) : Answers.echo(request))
        );
        Settings.Builder settings = settings(service.url()).put("face.batch.size", 1).put("face.queue.bytes", "50000b");
        FaceClient client = client(settings.build());
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = findAll(client, 4);
        for (PlainActionFuture<FaceClient.TimedAnswer> future : all) {
            assertTrue(Facts.of(fault(future)).containsAll(List.of("50000", "face.queue.bytes")));
        }
        assertEquals(Map.of("no_room", 4L), documents(client).failures());
        endless.set(false);
        assertEquals("SECRETPHOTO", photo(find(client)));
    }

    @Test
    void aBrokenConnectionIsRetriedUpToTheLimit() {
        FakeService service = service(200, null);
        FaceClient client = client("30s", service.url());
        fault(find(client));
        assertEquals(Map.of("connection_lost", 1L), documents(client).failures());
        assertEquals(1 + Backoff.MAX_RETRIES, service.requests.size());
    }

    @Test
    void anInvalidAuthorityIsNamedAndNoFileOutsideTheConfigFolderIsRead() throws Exception {
        Files.writeString(config.resolve("text.pem"), "no certificate");
        Map<String, String> reasons = Map.of(
            "absent.pem",
            "no file",
            "../../etc/passwd",
            "not below the config folder",
            "/etc/passwd",
            "not below the config folder",
            "text.pem",
            "PEM"
        );
        FakeService service = service();
        for (Map.Entry<String, String> reason : reasons.entrySet()) {
            Settings.Builder settings = settings(service.url());
            FaceClient client = client(settings.putList("face.endpoint.default.ssl.certificate_authorities", reason.getKey()).build());
            String message = fault(find(client));
            assertEquals(List.of("default", reason.getKey(), "face.endpoint.default.ssl.certificate_authorities"), Facts.of(message));
            assertTrue(message.contains(reason.getValue()), message);
        }
        assertEquals(0, service.requests.size());
    }

    @Test
    void anUnknownEndpointIsNamedWithTheSettingToSet() {
        PlainActionFuture<FaceClient.TimedAnswer> future = new PlainActionFuture<>();
        client("30s", "http://127.0.0.1:1").find("x", Answers.REQUEST, future);
        assertEquals(List.of("x", "face.endpoint.x.urls", "default"), Facts.of(fault(future)));
    }
}
