package org.ingestface;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.elasticsearch.common.util.concurrent.AbstractRunnable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.threadpool.Scheduler;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * Brings batches of photos to one endpoint and its answers back: chooses the address, asks again where that can help, gives up in time.
 */
final class Transport {

    private static final Logger logger = LogManager.getLogger(Transport.class);
    /** A fault that lasts is one line of the log in so long, not one for each request. */
    private static final long LOG_AGAIN_NANOS = TimeValue.timeValueSeconds(30).nanos();

    /** What becomes of a batch: one of both is called, once, on a thread of the generic pool. */
    interface Outcome {

        /**
         * @param answers   one a photo, in order
         * @param tookNanos all attempts together
         */
        void answered(Exchange exchange, List<FaceAnswer> answers, long tookNanos);

        void failed(Exchange exchange, EndpointFault fault);
    }

    private final String endpointName;
    private final FaceEndpoints endpoints;
    private final ThreadPool threadPool;
    private final int maxAnswerBytes;
    private final ByteBudget answers;
    private final Connector connector;
    private final Addresses addresses = new Addresses(System::nanoTime);
    private final Backoff backoff = new Backoff(() -> ThreadLocalRandom.current().nextDouble());
    private final ConcurrentMap<String, Long> loggedNanos = new ConcurrentHashMap<>();

    /** @param answers what the answers of all endpoints hold */
    Transport(
        String endpointName,
        FaceEndpoints endpoints,
        ThreadPool threadPool,
        Path configFolder,
        int maxAnswerBytes,
        ByteBudget answers
    ) {
        this.endpointName = endpointName;
        this.endpoints = endpoints;
        this.threadPool = threadPool;
        this.maxAnswerBytes = maxAnswerBytes;
        this.answers = answers;
        this.connector = new Connector(threadPool.generic(), configFolder);
    }

    /**
     * @param batch   at least one photo, all of one model and priority
     * @param retries how often the same address is asked again at most
     */
    Exchange exchange(List<FaceRequest> batch, int retries, EndpointStats stats, Outcome outcome) {
        return new Exchange(batch, retries, stats, outcome);
    }

    List<Addresses.State> addressStates(Endpoint endpoint) {
        return addresses.states(endpoint.urls());
    }

    /** Once every exchange has ended. */
    void close() {
        connector.close();
    }

    /** A batch under way, with all its attempts. */
    final class Exchange {

        private final List<FaceRequest> batch;
        private final int retries;
        private final EndpointStats stats;
        private final Outcome outcome;
        private final AtomicBoolean done = new AtomicBoolean();
        private volatile Scheduler.Cancellable deadlineTimer;
        private volatile Scheduler.Cancellable retryTimer;
        private volatile CompletableFuture<?> sent;
        /** Of the endpoint as it is configured when the batch is sent: a change of settings reaches those that wait. */
        private Endpoint endpoint;
        private volatile URI url;
        private byte[] body;
        private long startedNanos;
        private int attempts;
        private int pauses;

        private Exchange(List<FaceRequest> batch, int retries, EndpointStats stats, Outcome outcome) {
            this.batch = batch;
            this.retries = retries;
            this.stats = stats;
            this.outcome = outcome;
        }

        void start() {
            onGenericThread(this::begin, () -> {});
        }

        void fail(EndpointFault fault) {
            if (end()) {
                log(fault);
                outcome.failed(this, fault);
            }
        }

        @SuppressWarnings("try") // the stashed context is there to be closed, not to be used
        private void begin() {
            // The context is that of whoever completed the batch: it must not get into our timers and threads.
            try (var stashed = threadPool.getThreadContext().stashContext()) {
                endpoint = endpoints.get(endpointName);
                if (endpoint == null) {
                    fail(endpoints.notConfigured(endpointName));
                    return;
                }
                startedNanos = System.nanoTime();
                deadlineTimer = threadPool.schedule(this::giveUp, endpoint.timeout(), threadPool.generic());
                body = FaceRequest.toJson(batch);
                attempt(null);
            }
        }

        private void giveUp() {
            if (done.get()) {
                return; // the answer came in the same moment: its address works
            }
            URI last = url;
            if (last != null) {
                addresses.failed(last);
            }
            fail(EndpointFault.timedOut(endpointName, last == null ? endpoint.urls().get(0) : last, endpoint.timeout()));
        }

        private void attempt(@Nullable URI failedBefore) {
            HttpClient http;
            try {
                http = connector.http(endpoint.connecting());
            } catch (Connector.UnusableAuthorities e) {
                fail(EndpointFault.badAuthorities(endpointName, e.getMessage()));
                return;
            }
            attempts++;
            URI target = addresses.pick(endpoint.urls(), failedBefore);
            url = target;
            HttpRequest.Builder post = HttpRequest.newBuilder(facesOf(target))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
            if (endpoint.apiKey() != null) {
                post.header("Authorization", "Bearer " + endpoint.apiKey());
            }
            BoundedBody received = new BoundedBody(maxAnswerBytes, answers, () -> endpoints.batching().queueBytes());
            CompletableFuture<HttpResponse<byte[]>> answer;
            try {
                answer = http.sendAsync(post.build(), head -> received);
            } catch (RuntimeException e) {
                addresses.done(target);
                throw e;
            }
            sent = answer;
            if (done.get()) {
                answer.cancel(true); // given up between two attempts
            }
            answer.whenComplete((response, failure) -> {
                addresses.done(target);
                onGenericThread(() -> judge(target, response, unwrap(failure)), received::release);
            });
        }

        private void judge(URI target, @Nullable HttpResponse<byte[]> response, @Nullable Throwable failure) {
            if (done.get()) {
                return;
            }
            EndpointFault fault;
            if (failure != null) {
                fault = EndpointFault.unreachable(endpointName, target, failure);
            } else if (response.statusCode() != 200) {
                String says = FaceAnswer.parseErrorMessage(response.body());
                TimeValue retryAfter = Backoff.retryAfter(response.headers().firstValue("Retry-After"), Instant.now());
                fault = EndpointFault.refused(endpointName, target, response.statusCode(), says, retryAfter);
            } else {
                try {
                    succeed(target, FaceAnswer.parse(response.body(), batch));
                    return;
                } catch (FaceAnswer.Malformed e) {
                    fault = EndpointFault.malformed(endpointName, target, e.getMessage());
                }
            }
            askAgainOrFail(target, fault);
        }

        private void succeed(URI target, List<FaceAnswer> answers) {
            addresses.worked(target);
            if (end()) {
                long tookNanos = System.nanoTime() - startedNanos;
                stats.answered(batch.size(), tookNanos);
                outcome.answered(this, answers, tookNanos);
            }
        }

        private void askAgainOrFail(URI target, EndpointFault fault) {
            switch (fault.blame()) {
                case ADDRESS, COPY, SETUP -> addresses.failed(target);
                // For a moment at least: copies that are all full would be asked in turn without a pause.
                case LOAD -> addresses.isFull(target, backoff.before(pauses, fault.retryAfter()));
                case REQUEST -> addresses.worked(target);
            }
            boolean another = addresses.isAnotherIn(target);
            // Another address is asked at once; where there is none, after a pause.
            boolean mayAsk = another ? attempts < endpoint.urls().size() + retries : pauses < retries;
            TimeValue pause = another ? TimeValue.ZERO : backoff.before(pauses, fault.retryAfter());
            long left = endpoint.timeout().nanos() - (System.nanoTime() - startedNanos);
            if (fault.blame().isWorthAskingAgain(another) == false || mayAsk == false || pause.nanos() >= left) {
                fail(fault);
                return;
            }
            stats.retried();
            if (another) {
                attempt(target);
            } else {
                pauses++;
                retryTimer = threadPool.schedule(guarded(() -> attempt(target), () -> {}), pause, threadPool.generic());
                if (done.get()) {
                    retryTimer.cancel();
                }
            }
        }

        /** Whether this was the first end. */
        private boolean end() {
            if (done.compareAndSet(false, true) == false) {
                return false;
            }
            cancel(deadlineTimer);
            cancel(retryTimer);
            if (sent != null) {
                sent.cancel(true); // no-op for one that is complete
            }
            return true;
        }

        private void onGenericThread(Runnable work, Runnable afterwards) {
            threadPool.generic().execute(guarded(work, afterwards));
        }

        /** Whatever goes wrong, the batch ends. */
        private AbstractRunnable guarded(Runnable work, Runnable afterwards) {
            return new AbstractRunnable() {
                @Override
                public void onAfter() {
                    afterwards.run();
                }

                @Override
                protected void doRun() {
                    work.run();
                }

                @Override
                public void onFailure(Exception e) {
                    logger.warn("unexpected failure of a request to endpoint [" + endpointName + "]", e);
                    fail(EndpointFault.internal(endpointName, e));
                }

                @Override
                public void onRejection(Exception e) {
                    fail(EndpointFault.closing(endpointName)); // the pool refuses only when the node shuts down
                }
            };
        }
    }

    private void log(EndpointFault fault) {
        long now = System.nanoTime();
        Long before = loggedNanos.get(fault.code());
        if (before == null || now - before > LOG_AGAIN_NANOS) {
            loggedNanos.put(fault.code(), now);
            logger.warn(fault.message());
        }
    }

    /** The service's address below a base URL, which may have a path of its own. */
    static URI facesOf(URI baseUrl) {
        String base = baseUrl.toString();
        return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + "/v1/faces");
    }

    @Nullable
    private static Throwable unwrap(@Nullable Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private static void cancel(@Nullable Scheduler.Cancellable timer) {
        if (timer != null) {
            timer.cancel();
        }
    }
}
