package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.PlainActionFuture;
import org.elasticsearch.common.settings.Settings;
import org.junit.jupiter.api.Test;

class FaceClientTests extends FaceClientTestCase {

    @Test
    void theAnswerComesWithItsDuration() throws Exception {
        FakeService service = service();
        FaceClient.TimedAnswer timed = find(client("30s", service.url() + "/base/")).get();
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
    void aCopyThatIsDownIsSkipped() throws Exception {
        FakeService up = service();
        FaceClient client = client("30s", FakeService.refusingUrl(), FakeService.refusingUrl(), up.url());
        for (int i = 0; i < 3; i++) {
            assertInstanceOf(FaceAnswer.Faces.class, find(client).get().answer());
        }
    }

    @Test
    void theLimitsOfAPhotoAreSentWithIt() throws Exception {
        FakeService service = service();
        PlainActionFuture<FaceClient.TimedAnswer> future = new PlainActionFuture<>();
        FaceRequest.Limits limits = new FaceRequest.Limits(2, 0.5, 0.25);
        client("30s", service.url()).find("default", new FaceRequest("a", "facenet-1a2b3c4d", FaceRequest.Priority.INGEST, limits), future);
        future.get(30, TimeUnit.SECONDS);
        String body = service.requests.get(0).body();
        assertTrue(body.contains("\"options\":{\"max_faces\":2,\"min_confidence\":0.5,\"min_quality\":0.25}"), body);
        assertTrue(body.startsWith("{\"model\":\"facenet-1a2b3c4d\",\"priority\":\"ingest\""), body);
    }

    @Test
    void closingFailsAllRequestsThatAreOpen() {
        FakeService service = waitingService(new CountDownLatch(1));
        FaceClient client = client("30s", service.url());
        List<PlainActionFuture<FaceClient.TimedAnswer>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(find(client));
        }
        client.close();
        all.add(find(client));
        all.forEach(future -> assertTrue(fault(future).contains("shutting down")));
    }

    @Test
    void theListenerRunsInTheCallersThreadContextOnAThreadOfThePool() throws Exception {
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
    void statisticsCanBeReadWhileEndpointsChange() throws Exception {
        Settings configured = settings("http://127.0.0.1:1").build();
        FaceEndpoints endpoints = new FaceEndpoints(configured);
        FaceClient client = client(endpoints);
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
}
