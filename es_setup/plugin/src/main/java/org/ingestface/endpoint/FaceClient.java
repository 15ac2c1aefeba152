package org.ingestface.endpoint;

import java.io.Closeable;
import java.nio.file.Path;
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
 * Finds the faces of photos by asking the endpoints, without blocking a thread. Each endpoint has two {@link Batcher}s, so that a search
 * never waits behind a bulk of documents.
 */
public final class FaceClient implements Closeable {

    /** In bytes. An answer for a group photo of 100 faces with their crops takes about 2 MB. */
    private static final int MAX_ANSWER = 64 * 1024 * 1024;
    /** The statistics show at most so many endpoints that were requested but are not configured. */
    private static final int MAX_UNKNOWN = 20;
    private static final int MAX_UNKNOWN_NAME = 100;

    /**
     * An answer with its duration.
     *
     * @param tookNanos from sending the photo's batch to the complete answer, retries included, without the wait in the queue
     */
    public record TimedAnswer(FaceAnswer answer, long tookNanos) {}

    private record Connection(Batcher documents, Batcher searches, BatchSender sender) {

        void close() {
            documents.close();
            searches.close();
        }
    }

    private final FaceEndpoints endpoints;
    private final ThreadPool threadPool;
    private final Path configFolder;
    private final int maxAnswerBytes;
    private final ByteBudget documentBytes = new ByteBudget();
    private final ByteBudget searchBytes = new ByteBudget();
    private final ByteBudget answerBytes = new ByteBudget();
    private final ConcurrentMap<String, Connection> connections = new ConcurrentHashMap<>();
    /** The messages of endpoints that were requested but are not configured, by name. */
    private final Map<String, String> unknown = new LinkedHashMap<>();
    private volatile boolean closed;

    /** @param configFolder the folder that paths of certificate authorities are relative to */
    public FaceClient(FaceEndpoints endpoints, ThreadPool threadPool, Path configFolder) {
        this(endpoints, threadPool, configFolder, MAX_ANSWER);
    }

    FaceClient(FaceEndpoints endpoints, ThreadPool threadPool, Path configFolder, int maxAnswerBytes) {
        this.endpoints = endpoints;
        this.threadPool = threadPool;
        this.configFolder = configFolder;
        this.maxAnswerBytes = maxAnswerBytes;
    }

    /**
     * Finds the faces of one photo.
     *
     * @param listener gets the answer, which may be a {@link FaceAnswer.PhotoError}, or an {@link EsRejectedExecutionException} that says
     *                 why the endpoint gave none. Called in the caller's thread context, on a thread of the generic pool unless the
     *                 request is refused at once
     */
    public void find(String endpointName, FaceRequest request, ActionListener<TimedAnswer> listener) {
        if (endpoints.get(endpointName) == null) {
            EndpointFault fault = endpoints.unusable(endpointName);
            rememberUnknown(fault);
            listener.onFailure(fault.exception(request.priority().retryAdvice()));
            return;
        }
        Connection connection = connections.computeIfAbsent(endpointName, this::open);
        Batcher batcher = request.priority() == FaceRequest.Priority.SEARCH ? connection.searches : connection.documents;
        batcher.submit(request, listener);
        if (closed) {
            connection.close();
        }
    }

    /** @throws IllegalArgumentException if no endpoint of this name can be used; the message says what to set */
    public void requireConfigured(String endpointName) {
        if (endpoints.get(endpointName) == null) {
            throw new IllegalArgumentException(endpoints.unusable(endpointName).message());
        }
    }

    /** The counts of each endpoint that is configured or was requested. */
    Map<String, FaceStats.EndpointStats> stats() {
        Map<String, FaceStats.EndpointStats> stats = new TreeMap<>();
        synchronized (unknown) {
            unknown.forEach((name, message) -> stats.put(name, FaceStats.EndpointStats.missing(message)));
        }
        endpoints.refused().forEach((name, fault) -> stats.put(name, FaceStats.EndpointStats.missing(fault.message())));
        endpoints.all().forEach((name, endpoint) -> {
            Connection connection = connections.computeIfAbsent(name, this::open);
            List<Addresses.State> urls = connection.sender.addressStates(endpoint);
            stats.put(name, new FaceStats.EndpointStats(null, connection.documents.stats(), connection.searches.stats(), urls));
        });
        return stats;
    }

    /** Fails all requests that are queued or in progress, and refuses new ones. */
    @Override
    public void close() {
        closed = true;
        connections.values().forEach(connection -> {
            connection.close();
            connection.sender.close();
        });
    }

    private Connection open(String endpointName) {
        BatchSender sender = new BatchSender(endpointName, endpoints, threadPool, configFolder, maxAnswerBytes, answerBytes);
        return new Connection(
            new Batcher(endpointName, FaceRequest.Priority.INGEST, endpoints, sender, documentBytes, threadPool),
            new Batcher(endpointName, FaceRequest.Priority.SEARCH, endpoints, sender, searchBytes, threadPool),
            sender
        );
    }

    private void rememberUnknown(EndpointFault notConfigured) {
        synchronized (unknown) {
            if (unknown.size() < MAX_UNKNOWN && notConfigured.endpoint().length() <= MAX_UNKNOWN_NAME) {
                unknown.put(notConfigured.endpoint(), notConfigured.message());
            }
        }
    }
}
