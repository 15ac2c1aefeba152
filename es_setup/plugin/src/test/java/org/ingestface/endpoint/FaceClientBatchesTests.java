package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;

/** Batches, queues and their limits. */
class FaceClientBatchesTests extends FaceClientTestCase {

    @Test
    void photosAreBatchedAndEachGetsItsOwnAnswer() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        // The first is sent alone; those queued behind it are sent in batches of 16.
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = findAll(client, 41);
        gate.countDown();
        for (int i = 0; i < all.size(); i++) {
            assertEquals("photo-" + i, photo(all.get(i)));
        }
        assertEquals(List.of(1, 16, 16, 8), sizes(service));
        QueueStats.Snapshot counted = documents(client);
        assertEquals(List.of(41L, 4L, 0L, 0L), List.of(counted.photos(), counted.batches(), counted.retries(), counted.bytes()));
        assertEquals(List.of(0, 0), List.of(counted.queued(), counted.inFlight()));
        assertEquals(4, Arrays.stream(counted.latency()).sum());
    }

    @Test
    void aBatchThatIsNotFullLingersAndASearchDoesNot() throws Exception {
        FakeService service = service();
        FaceClient client = client(settings(service.url()).put("face.batch.linger", "10s").put("face.batch.size", 3).build());
        PlainActionFuture<FaceClient.TimedAnswer> lingers = find(client);
        photo(find(client, FaceRequest.Priority.SEARCH));
        assertFalse(lingers.isDone());
        findAll(client, 2);
        photo(lingers);
        assertEquals(List.of(1, 3), sizes(service));
    }

    @Test
    void aPhotoThatNoOtherJoinsIsSentAloneAfterTheLinger() throws Exception {
        FakeService service = service();
        photo(find(client(settings(service.url()).put("face.batch.linger", "20ms").build())));
        assertEquals(List.of(1), sizes(service));
    }

    @Test
    void aShorterLingerAppliesToPhotosThatLingerAlready() throws Exception {
        Settings.Builder settings = settings(service().url());
        FaceEndpoints endpoints = new FaceEndpoints(settings.put("face.batch.linger", "10s").build());
        FaceClient client = client(endpoints);
        PlainActionFuture<FaceClient.TimedAnswer> first = find(client);
        endpoints.changeSettings(settings.put("face.batch.linger", "300ms").build());
        find(client).get(5, TimeUnit.SECONDS);
        first.get(5, TimeUnit.SECONDS);
    }

    @Test
    void aBatchHasPhotosOfOneModelOnly() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 1).build());
        find(client);
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = new ArrayList<>();
        for (String model : new String[] { Answers.MODEL, null, Answers.MODEL }) {
            PlainActionFuture<FaceClient.TimedAnswer> future = new PlainActionFuture<>();
            client.find("default", new FaceRequest("a", model, FaceRequest.Priority.INGEST, FaceRequest.Limits.NONE), future);
            all.add(future);
        }
        gate.countDown();
        for (PlainActionFuture<FaceClient.TimedAnswer> future : all) {
            photo(future);
        }
        assertEquals(List.of(1, 2, 1), sizes(service));
    }

    @Test
    void aBatchIsLimitedByBytes() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.in_flight", 1).put("face.batch.bytes", "25b");
        FaceClient client = client(settings.build());
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = IntStream.range(0, 6).mapToObj(i -> find(client)).toList();
        gate.countDown();
        for (PlainActionFuture<FaceClient.TimedAnswer> future : all) {
            photo(future);
        }
        assertEquals(List.of(1, 2, 2, 1), sizes(service));
    }

    @Test
    void requestsInProgressAreLimitedAndSearchesHaveALimitOfTheirOwn() throws Exception {
        AtomicInteger inProgress = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = service(request -> {
            if (request.body().contains("\"search\"") == false) {
                most.accumulateAndGet(inProgress.incrementAndGet(), Math::max);
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                inProgress.decrementAndGet();
            }
            return new FakeService.Answer(200, Answers.echo(request));
        });
        FaceClient client = client(settings(service.url()).put("face.batch.in_flight", 3).put("face.batch.size", 2).build());
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = findAll(client, 20);
        photo(find(client, FaceRequest.Priority.SEARCH));
        assertEquals(3, documents(client).inFlight());
        while (inProgress.get() < 3) {
            Thread.sleep(1); // a request in progress may not have arrived yet
        }
        gate.countDown();
        for (PlainActionFuture<FaceClient.TimedAnswer> future : all) {
            photo(future);
        }
        assertEquals(3, most.get());
    }

    @Test
    void theQueueIsLimitedByCountAndByBytesAndAcceptsPhotosAgainLater() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.in_flight", 1).put("face.batch.size", 1);
        FaceClient byCount = client(settings.put("face.queue.size", 2).build());
        List<PlainActionFuture<FaceClient.TimedAnswer>> taken = new ArrayList<>(findAll(byCount, 3));
        assertEquals(List.of("default", "2", "face.endpoint.default.urls", "face.queue.size"), Facts.of(fault(find(byCount))));
        // Each photo has 11 bytes, and those in progress count too.
        FaceClient byBytes = client(settings.put("face.queue.size", 100).put("face.queue.bytes", "30b").build());
        taken.addAll(List.of(find(byBytes), find(byBytes)));
        assertEquals(List.of("default", "22", "30", "face.endpoint.default.urls", "face.queue.bytes"), Facts.of(fault(find(byBytes))));
        assertEquals(Map.of("queue_full", 1L), documents(byBytes).failures());
        assertEquals(22, documents(byBytes).bytes());
        gate.countDown();
        for (PlainActionFuture<FaceClient.TimedAnswer> future : taken) {
            photo(future);
        }
        photo(find(byBytes));
        photo(find(byCount));
        assertEquals(0, documents(byBytes).bytes());
    }

    @Test
    void theWaitInTheQueueEndsWithTheTimeout() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FakeService service = waitingService(gate);
        Settings.Builder settings = settings(service.url()).put("face.batch.size", 1).put("face.batch.in_flight", 1);
        FaceEndpoints endpoints = new FaceEndpoints(settings.put("face.endpoint.default.timeout", "30s").build());
        FaceClient client = client(endpoints);
        PlainActionFuture<FaceClient.TimedAnswer> inProgress = find(client);
        while (service.requests.isEmpty()) {
            Thread.onSpinWait();
        }
        endpoints.changeSettings(settings.put("face.endpoint.default.timeout", "100ms").build());
        for (PlainActionFuture<FaceClient.TimedAnswer> waits : findAll(client, 20)) {
            assertTrue(Facts.of(fault(waits)).contains("100ms"));
        }
        gate.countDown();
        photo(inProgress);
        QueueStats.Snapshot left = documents(client);
        assertEquals(List.of(0L, 0L, 0L), List.of((long) left.queued(), left.bytes(), (long) left.inFlight()));
        assertEquals(Map.of("queue_timeout", 20L), left.failures());
    }

    @Test
    void endpointsAreCountedSeparately() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FaceClient client = client(settings(waitingService(gate).url()).putList("face.endpoint.other.urls", "http://127.0.0.1:1").build());
        PlainActionFuture<FaceClient.TimedAnswer> waits = find(client);
        assertEquals(11, documents(client).bytes());
        assertEquals(0, client.stats().get("other").documents().bytes());
        gate.countDown();
        photo(waits);
        assertEquals(0, documents(client).bytes());
    }

    @Test
    void aPhotoThatCrashesTheServiceDoesNotFailTheOthersOfItsBatch() throws Exception {
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
        PlainActionFuture<FaceClient.TimedAnswer> poison = find(client, "SECRETPOISON", FaceRequest.Priority.INGEST);
        List<PlainActionFuture<FaceClient.TimedAnswer>> others = findAll(client, 3);
        gate.countDown();
        for (int i = 0; i < others.size(); i++) {
            assertEquals("photo-" + i, photo(others.get(i)));
        }
        fault(poison);
        assertEquals(Map.of("connection_lost", 1L), documents(client).failures());
        assertEquals(List.of(0L, 0L), List.of(documents(client).bytes(), (long) documents(client).inFlight()));
    }

    @Test
    void aListenerThatThrowsDoesNotFailTheOthersOfItsBatch() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        FaceClient client = client(settings(waitingService(gate).url()).put("face.batch.in_flight", 1).build());
        find(client);
        FaceRequest request = new FaceRequest("a", null, FaceRequest.Priority.INGEST, FaceRequest.Limits.NONE);
        client.find("default", request, new ActionListener<>() {
            @Override
            public void onResponse(FaceClient.TimedAnswer answer) {
                throw new IllegalStateException("the listener throws");
            }

            @Override
            public void onFailure(Exception e) {}
        });
        PlainActionFuture<FaceClient.TimedAnswer> other = find(client);
        gate.countDown();
        assertEquals("SECRETPHOTO", photo(other));
    }
}
