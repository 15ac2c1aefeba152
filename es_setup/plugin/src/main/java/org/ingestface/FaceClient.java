package org.ingestface;

import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import javax.net.ssl.SSLException;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.common.util.concurrent.AbstractRunnable;
import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.threadpool.Scheduler;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * Asks the endpoints, without ever making a thread wait.
 *
 * <p>Each endpoint has a lane: a few requests under way, the rest in a bounded {@link WaitingLine}. A request that gets a place is sent
 * to the next of the endpoint's URLs; where no connection comes about, to each of the others once. The answer is read on a thread of
 * Elasticsearch's generic pool, and the listener is answered there, once, in the thread context of the one who asked.
 */
final class FaceClient implements Closeable {

    /** How many requests an endpoint has under way at most: enough to keep a service busy while answers travel. */
    static final int MAX_UNDER_WAY = 8;
    /** How many photos wait for an endpoint at most; a bulk beyond it gets 429 for the rest. */
    static final int MAX_WAITING = 1_000;
    /** In bytes. A group photo with 100 faces, their crops included, takes about 2 MB. */
    static final int MAX_ANSWER = 64 * 1024 * 1024;
    /** So that one dead host among several does not use up the time of the whole request. */
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private static final Logger logger = LogManager.getLogger(FaceClient.class);

    /**
     * An answer and what it took.
     *
     * @param tookNanos from the sending of the request to its complete answer, without the wait in the queue
     */
    record Timed(FaceAnswer answer, long tookNanos) {}

    private final FaceEndpoints endpoints;
    private final ThreadPool threadPool;
    private final long maxWaitingBytes;
    private final int maxAnswerBytes;
    private final HttpClient http;
    private final AtomicLong waitingBytes = new AtomicLong();
    private final Map<String, Lane> lanes = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * @param maxWaitingBytes bounds the photos that wait on this node, all endpoints together
     * @param maxAnswerBytes  see {@link #MAX_ANSWER}
     */
    FaceClient(FaceEndpoints endpoints, ThreadPool threadPool, long maxWaitingBytes, int maxAnswerBytes) {
        this.endpoints = endpoints;
        this.threadPool = threadPool;
        this.maxWaitingBytes = maxWaitingBytes;
        this.maxAnswerBytes = maxAnswerBytes;
        this.http = HttpClient.newBuilder()
            // Offering HTTP/2 in clear means an Upgrade header, which Python's servers do not all take well.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            // Photos go to the configured hosts only, not by way of a proxy that the JVM happens to be given.
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();
    }

    /**
     * Asks an endpoint for the faces of one photo.
     *
     * @param listener gets the answer, a {@link FaceAnswer.PhotoError} included, or an {@link EsRejectedExecutionException} that says
     *                 why the endpoint gave none
     */
    void find(String endpointName, FaceRequest request, ActionListener<Timed> listener) {
        Endpoint endpoint;
        try {
            endpoint = endpoints.get(endpointName);
        } catch (EsRejectedExecutionException e) {
            listener.onFailure(e);
            return;
        }
        lanes.computeIfAbsent(endpointName, Lane::new).submit(request, endpoint, listener);
    }

    /** Fails what waits or is under way and takes nothing more. */
    @Override
    public void close() {
        closed = true;
        lanes.values().forEach(Lane::close);
    }

    /** The requests to one endpoint. */
    private final class Lane {

        private final String name;
        private final WaitingLine<Call> waiting = new WaitingLine<>(MAX_WAITING, maxWaitingBytes, waitingBytes);
        private final Set<Call> underWay = ConcurrentHashMap.newKeySet();
        private final AtomicInteger turn = new AtomicInteger();
        private int places = MAX_UNDER_WAY;

        Lane(String name) {
            this.name = name;
        }

        void submit(FaceRequest request, Endpoint endpoint, ActionListener<Timed> listener) {
            Call call = new Call(this, request, listener);
            if (closed) {
                call.fail(call.fault.closing());
                return;
            }
            String tooMuch = null;
            boolean start;
            synchronized (this) {
                start = places > 0;
                if (start) {
                    places--;
                } else {
                    tooMuch = waiting.offer(call, request.size(), request.priority() == FaceRequest.Priority.SEARCH);
                    if (tooMuch == null) {
                        call.giveUpWaitingAfter(endpoint);
                    }
                }
            }
            if (start) {
                call.send();
            } else if (tooMuch != null) {
                call.fail(call.fault.tooManyWaiting(tooMuch));
            }
        }

        /** A call that had a place is done: the next one takes it. */
        void next() {
            Call next;
            synchronized (this) {
                next = waiting.poll();
                if (next == null) {
                    places++;
                }
            }
            if (next != null) {
                next.send();
            }
        }

        boolean leaveWaitingLine(Call call) {
            synchronized (this) {
                return waiting.remove(call);
            }
        }

        /** All URLs, beginning with the one whose turn it is. */
        List<URI> urlsInTurn(Endpoint endpoint) {
            List<URI> urls = endpoint.urls();
            int first = Math.floorMod(turn.getAndIncrement(), urls.size());
            List<URI> inTurn = new ArrayList<>(urls.subList(first, urls.size()));
            inTurn.addAll(urls.subList(0, first));
            return inTurn;
        }

        void close() {
            List<Call> open = new ArrayList<>(underWay);
            synchronized (this) {
                for (Call call = waiting.poll(); call != null; call = waiting.poll()) {
                    open.add(call);
                }
            }
            open.forEach(call -> call.fail(call.fault.closing()));
        }
    }

    /** One request, from the waiting line to its answer. */
    private final class Call {

        private final Lane lane;
        private final FaceRequest request;
        private final ActionListener<Timed> listener;
        private final EndpointFault fault;
        private final AtomicBoolean done = new AtomicBoolean();
        private volatile Scheduler.Cancellable timer;
        private volatile CompletableFuture<?> exchange;
        private volatile URI url;
        /** Of the endpoint as it is configured when the request is sent: a change of settings reaches those that wait. */
        private Endpoint endpoint;
        private List<URI> urls;
        private boolean lostOnce;
        private long sentAt;
        private volatile boolean hasPlace;

        Call(Lane lane, FaceRequest request, ActionListener<Timed> listener) {
            this.lane = lane;
            this.request = request;
            this.listener = ContextPreservingActionListener.wrapPreservingContext(listener, threadPool.getThreadContext());
            this.fault = new EndpointFault(lane.name, request.priority().again());
        }

        void giveUpWaitingAfter(Endpoint endpoint) {
            timer = threadPool.schedule(() -> {
                if (lane.leaveWaitingLine(this)) {
                    fail(fault.waitedTooLong(endpoint.timeout()));
                }
            }, endpoint.timeout(), threadPool.generic());
        }

        /** Called once, when this call has got a place. */
        @SuppressWarnings("try") // the stashed context is there to be closed, not to be used
        void send() {
            hasPlace = true;
            if (timer != null) {
                timer.cancel();
            }
            // Another call's end may have brought us here: its context must not get into our timers and threads.
            try (var stashed = threadPool.getThreadContext().stashContext()) {
                endpoint = endpoints.get(lane.name);
                urls = lane.urlsInTurn(endpoint);
                url = urls.get(0);
                lane.underWay.add(this);
                timer = threadPool.schedule(() -> fail(fault.timedOut(url, endpoint.timeout())), endpoint.timeout(), threadPool.generic());
                sentAt = System.nanoTime();
                HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofByteArray(request.toJson());
                attempt(0, body);
            } catch (Exception e) {
                // Not on this thread: it may be in the middle of ending another call, and a long line would become a deep stack.
                onGenericThread(() -> fail(e));
            }
            if (closed) {
                fail(fault.closing());
            }
        }

        private void attempt(int position, HttpRequest.BodyPublisher body) {
            url = urls.get(position);
            HttpRequest.Builder post = HttpRequest.newBuilder(facesOf(url)).header("Content-Type", "application/json").POST(body);
            if (endpoint.apiKey() != null) {
                post.header("Authorization", "Bearer " + endpoint.apiKey());
            }
            CompletableFuture<HttpResponse<byte[]>> sent = http.sendAsync(post.build(), head -> new BoundedBody(maxAnswerBytes));
            exchange = sent;
            if (done.get()) {
                sent.cancel(true); // timed out between two attempts
            }
            sent.whenComplete((response, failure) -> onGenericThread(() -> {
                if (done.get()) {
                    return;
                }
                if (failure == null) {
                    answer(response);
                } else {
                    tryElsewhere(position, body, unwrap(failure));
                }
            }));
        }

        /**
         * Without a connection the next URL is asked, each once. A connection that broke is different: perhaps the server closed an idle
         * one just then, perhaps this photo brings servers down. So the request is sent once more, and no more than that.
         */
        private void tryElsewhere(int position, HttpRequest.BodyPublisher body, Throwable failure) {
            boolean another = position + 1 < urls.size();
            if (isNoConnection(failure) && another) {
                attempt(position + 1, body);
            } else if (isBrokenConnection(failure) && lostOnce == false) {
                lostOnce = true;
                attempt(another ? position + 1 : position, body);
            } else {
                fail(fault.unreachable(url, failure));
            }
        }

        private void answer(HttpResponse<byte[]> response) {
            long tookNanos = System.nanoTime() - sentAt;
            if (response.statusCode() != 200) {
                fail(fault.refused(url, response.statusCode(), FaceAnswer.parseErrorMessage(response.body())));
                return;
            }
            FaceAnswer answer;
            try {
                answer = FaceAnswer.parse(response.body(), request);
            } catch (FaceAnswer.Malformed e) {
                fail(fault.malformed(url, e.getMessage()));
                return;
            }
            end(() -> listener.onResponse(new Timed(answer, tookNanos)));
        }

        void fail(Exception reason) {
            end(() -> listener.onFailure(reason));
        }

        /** The one way out: gives the place back first, so that the next photo does not wait for what the listener does. */
        private void end(Runnable answerListener) {
            if (done.compareAndSet(false, true) == false) {
                return;
            }
            if (timer != null) {
                timer.cancel();
            }
            if (exchange != null) {
                exchange.cancel(true); // no-op for one that is complete
            }
            if (hasPlace) {
                lane.underWay.remove(this);
                lane.next();
            }
            answerListener.run();
        }

        private void onGenericThread(Runnable work) {
            threadPool.generic().execute(new AbstractRunnable() {
                @Override
                protected void doRun() {
                    work.run();
                }

                @Override
                public void onFailure(Exception e) {
                    if (done.get()) {
                        // The listener's own trouble; it was answered and must not be answered again.
                        logger.warn("a listener failed after endpoint [" + lane.name + "] had been asked", e);
                    }
                    fail(e);
                }

                @Override
                public void onRejection(Exception e) {
                    fail(fault.closing()); // the pool refuses only when the node shuts down
                }
            });
        }
    }

    /** The service's address below a base URL, which may have a path of its own. */
    static URI facesOf(URI baseUrl) {
        String base = baseUrl.toString();
        return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + "/v1/faces");
    }

    private static Throwable unwrap(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private static boolean isNoConnection(Throwable failure) {
        return failure instanceof ConnectException || failure instanceof HttpConnectTimeoutException;
    }

    private static boolean isBrokenConnection(Throwable failure) {
        return failure instanceof IOException
            && isNoConnection(failure) == false
            && failure instanceof SSLException == false // asking again does not make a certificate valid
            && failure instanceof BoundedBody.TooLarge == false;
    }
}
