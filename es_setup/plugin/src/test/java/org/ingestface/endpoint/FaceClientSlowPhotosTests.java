package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

import org.elasticsearch.action.support.PlainActionFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A photo that takes too long is at fault itself only if the service answers others meanwhile. */
class FaceClientSlowPhotosTests extends FaceClientTestCase {

    private static final String TIMEOUT = "face.endpoint.default.timeout";
    private static final String SLOW = "SECRETSLOW";

    private final CountDownLatch gate = new CountDownLatch(1);

    /** A service that does not answer these requests before the test's end. */
    private FakeService slowFor(Predicate<List<String>> isSlow) {
        return service(request -> {
            if (isSlow.test(request.images())) {
                await(gate);
            }
            return new FakeService.Answer(200, Answers.echo(request));
        });
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String errorCode(PlainActionFuture<FaceClient.TimedAnswer> future) throws Exception {
        FaceAnswer answer = future.get(30, TimeUnit.SECONDS).answer();
        return assertInstanceOf(FaceAnswer.PhotoError.class, answer).code();
    }

    /** Photos that share one batch: they wait in the queue while another is in progress. */
    private List<PlainActionFuture<FaceClient.TimedAnswer>> together(FaceClient client, CountDownLatch first, String... photos) {
        find(client, "first", FaceRequest.Priority.INGEST);
        List<PlainActionFuture<FaceClient.TimedAnswer>> futures = new ArrayList<>();
        for (String photo : photos) {
            futures.add(find(client, photo, FaceRequest.Priority.INGEST));
        }
        first.countDown();
        return futures;
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 3 })
    void inABatchOnlyTheSlowPhotoIsAtFaultWhereverItStands(int position) throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        FakeService service = slowFor(images -> {
            if (images.contains("first")) {
                await(first);
            }
            return images.contains(SLOW);
        });
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).put(TIMEOUT, "1s").build());
        List<String> photos = new ArrayList<>(List.of("photo-0", "photo-1", "photo-2"));
        photos.add(position, SLOW);
        List<PlainActionFuture<FaceClient.TimedAnswer>> futures = together(client, first, photos.toArray(String[]::new));
        for (int i = 0; i < photos.size(); i++) {
            if (i == position) {
                assertEquals("too_slow", errorCode(futures.get(i)));
            } else {
                assertEquals(photos.get(i), photo(futures.get(i)));
            }
        }
        assertEquals(1L, documents(client).failures().get("too_slow"));
        assertEquals(1L, service.requests.stream().filter(request -> request.images().equals(photos)).count());
        assertEquals("in", client.stats().get("default").addresses().get(0).isOut() ? "out" : "in");
        gate.countDown();
    }

    @Test
    void aPhotoThatWasSentAloneIsAtFaultIfALaterOneIsAnswered() throws Exception {
        FakeService service = slowFor(images -> images.contains(SLOW));
        assertEquals("too_slow", errorCode(find(client("1s", service.url()), SLOW, FaceRequest.Priority.INGEST)));
        gate.countDown();
    }

    @Test
    void aPhotoThatWasCaughtInSomethingThatIsOverIsNotAtFault() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        FakeService service = slowFor(images -> images.contains(SLOW) && asked.incrementAndGet() == 1);
        FaceClient client = client("1s", service.url());
        assertEquals(SLOW, photo(find(client, SLOW, FaceRequest.Priority.INGEST)));
        assertEquals(Map.of(), documents(client).failures());
        gate.countDown();
    }

    @Test
    void noPhotoIsAtFaultOfAServiceThatAnswersNone() {
        FakeService service = slowFor(images -> true);
        FaceClient client = client("1s", service.url());
        for (PlainActionFuture<FaceClient.TimedAnswer> future : findAll(client, 3)) {
            fault(future);
        }
        assertEquals(Map.of("timeout", 3L), documents(client).failures());
        gate.countDown();
    }

    @Test
    void noPhotoIsAtFaultOfACopyThatHangsWhileAnotherAnswers() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        FakeService hangs = slowFor(images -> {
            asked.countDown();
            return true;
        });
        FakeService whole = service();
        FaceClient client = client("1s", hangs.url(), whole.url());
        PlainActionFuture<FaceClient.TimedAnswer> unlucky = find(client, SLOW, FaceRequest.Priority.INGEST);
        asked.await();
        photo(find(client));
        fault(unlucky);
        assertEquals(Map.of("timeout", 1L), documents(client).failures());
        gate.countDown();
    }

    @Test
    void aSearchIsNeverAtFault() {
        FakeService service = slowFor(images -> images.contains(SLOW));
        FaceClient client = client("1s", service.url());
        fault(find(client, SLOW, FaceRequest.Priority.SEARCH));
        assertEquals(1, service.requests.size());
        gate.countDown();
    }

    @Test
    void aBatchThatTakesTheServiceTooLongIsSentPhotoByPhoto() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        FakeService service = service(request -> {
            if (request.images().contains("first")) {
                await(first);
            }
            return request.images().contains(SLOW)
                ? new FakeService.Answer(503, "{\"error\": {\"code\": \"deadline_exceeded\", \"message\": \"too long\"}}")
                : new FakeService.Answer(200, Answers.echo(request));
        });
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        List<PlainActionFuture<FaceClient.TimedAnswer>> futures = together(client, first, "photo-0", SLOW, "photo-2");
        assertEquals("photo-0", photo(futures.get(0)));
        assertEquals("photo-2", photo(futures.get(2)));
        // Nothing was sent after it and answered before the service gave up, so the service may be at fault.
        fault(futures.get(1));
        assertEquals(Map.of("deadline_exceeded", 1L), documents(client).failures());
    }
}
