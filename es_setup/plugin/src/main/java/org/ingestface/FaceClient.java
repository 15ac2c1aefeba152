package org.ingestface;

import java.io.Closeable;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * Asks the endpoints, without ever making a thread wait. Each endpoint has two {@link Lane}s, so that a search never waits behind a bulk.
 */
final class FaceClient implements Closeable {

    /** In bytes. A group photo with 100 faces, their crops included, takes about 2 MB. */
    static final int MAX_ANSWER = 64 * 1024 * 1024;
    /** Endpoints that were asked for and that no setting names: so many are shown in the statistics. */
    private static final int MAX_UNKNOWN = 20;
    private static final int MAX_UNKNOWN_NAME = 100;

    /**
     * An answer and what it took.
     *
     * @param tookNanos from the sending of the request that the photo was in to its complete answer, without the wait in the queue
     */
    record Timed(FaceAnswer answer, long tookNanos) {}

    private record Lanes(Lane documents, Lane searches, Transport transport) {}

    private final FaceEndpoints endpoints;
    private final ThreadPool threadPool;
    private final Path configFolder;
    private final int maxAnswerBytes;
    private final Map<FaceRequest.Priority, ByteBudget> budgets = new EnumMap<>(FaceRequest.Priority.class);
    private final ByteBudget answers = new ByteBudget();
    private final ConcurrentMap<String, Lanes> lanes = new ConcurrentHashMap<>();
    private final Map<String, String> unknown = new LinkedHashMap<>();
    private volatile boolean closed;

    /**
     * @param configFolder   where certificate authorities lie
     * @param maxAnswerBytes see {@link #MAX_ANSWER}
     */
    FaceClient(FaceEndpoints endpoints, ThreadPool threadPool, Path configFolder, int maxAnswerBytes) {
        this.endpoints = endpoints;
        this.threadPool = threadPool;
        this.configFolder = configFolder;
        this.maxAnswerBytes = maxAnswerBytes;
        for (FaceRequest.Priority priority : FaceRequest.Priority.values()) {
            budgets.put(priority, new ByteBudget());
        }
    }

    /**
     * Asks an endpoint for the faces of one photo.
     *
     * @param listener gets the answer, a {@link FaceAnswer.PhotoError} included, or an {@link EsRejectedExecutionException} that says
     *                 why the endpoint gave none; in the caller's thread context, on a thread of the generic pool unless refused at once
     */
    void find(String endpointName, FaceRequest request, ActionListener<Timed> listener) {
        if (endpoints.get(endpointName) == null) {
            EndpointFault fault = endpoints.notConfigured(endpointName);
            remember(fault);
            listener.onFailure(fault.exception(request.priority().again()));
            return;
        }
        Lanes found = lanes.computeIfAbsent(endpointName, this::open);
        (request.priority() == FaceRequest.Priority.SEARCH ? found.searches : found.documents).submit(request, listener);
        if (closed) {
            found.documents.close();
            found.searches.close();
        }
    }

    FaceEndpoints endpoints() {
        return endpoints;
    }

    /** What was counted for each endpoint that is configured or was asked for. */
    Map<String, FaceStats.OfEndpoint> stats() {
        Map<String, FaceStats.OfEndpoint> stats = new TreeMap<>();
        synchronized (unknown) {
            unknown.forEach((name, message) -> stats.put(name, FaceStats.OfEndpoint.missing(message)));
        }
        endpoints.all().forEach((name, endpoint) -> {
            Lanes found = lanes.computeIfAbsent(name, this::open);
            List<Addresses.State> urls = found.transport.addressStates(endpoint);
            stats.put(name, new FaceStats.OfEndpoint(null, found.documents.stats(), found.searches.stats(), urls));
        });
        return stats;
    }

    /** Fails what waits or is under way and takes nothing more. */
    @Override
    public void close() {
        closed = true;
        lanes.values().forEach(found -> {
            found.documents.close();
            found.searches.close();
            found.transport.close();
        });
    }

    private Lanes open(String endpointName) {
        Transport transport = new Transport(endpointName, endpoints, threadPool, configFolder, maxAnswerBytes, answers);
        Map<FaceRequest.Priority, Lane> opened = new EnumMap<>(FaceRequest.Priority.class);
        budgets.forEach((priority, budget) -> opened.put(priority, new Lane(endpointName, priority, endpoints, transport, budget, threadPool)));
        return new Lanes(opened.get(FaceRequest.Priority.INGEST), opened.get(FaceRequest.Priority.SEARCH), transport);
    }

    private void remember(EndpointFault notConfigured) {
        synchronized (unknown) {
            if (unknown.size() < MAX_UNKNOWN && notConfigured.endpoint().length() <= MAX_UNKNOWN_NAME) {
                unknown.put(notConfigured.endpoint(), notConfigured.message());
            }
        }
    }
}
