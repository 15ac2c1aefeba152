package org.ingestface.endpoint;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
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

/** Sends batches of photos to one endpoint: chooses the address, retries where that can help, and gives up after the time-out. */
final class BatchSender {

    private static final Logger logger = LogManager.getLogger(BatchSender.class);
    /** A lasting fault is logged once in this time, not for each request. */
    private static final long LOG_INTERVAL_NANOS = TimeValue.timeValueSeconds(30).nanos();

    /** Gets the outcome of a batch: one of its methods is called, once, on a thread of the generic pool. */
    interface Listener {

        /**
         * @param answers   one for each photo, in order
         * @param tookNanos all attempts together
         */
        void answered(Exchange exchange, List<FaceAnswer> answers, long tookNanos);

        void failed(Exchange exchange, EndpointFault fault);
    }

    private final String endpointName;
    private final FaceEndpoints endpoints;
    private final ThreadPool threadPool;
    private final PhotoPost post;
    private final Addresses addresses = new Addresses(System::nanoTime);
    /** Of documents: searches have threads of their own in the service. */
    private final Overtaking overtaking = new Overtaking();
    private final Backoff backoff = new Backoff(() -> ThreadLocalRandom.current().nextDouble());
    private final ConcurrentMap<String, Long> loggedNanos = new ConcurrentHashMap<>();

    /** @param answerBudget counts the bytes of all endpoints' answers */
    BatchSender(
        String endpointName,
        FaceEndpoints endpoints,
        ThreadPool threadPool,
        Path configFolder,
        int maxAnswerBytes,
        ByteBudget answerBudget
    ) {
        this.endpointName = endpointName;
        this.endpoints = endpoints;
        this.threadPool = threadPool;
        Connector connector = new Connector(threadPool.generic(), configFolder);
        this.post = new PhotoPost(connector, maxAnswerBytes, answerBudget, () -> endpoints.batchSettings().queueBytes());
    }

    /**
     * @param batch   at least one photo, all of one model and priority
     * @param isAgain whether it is a photo that made its batch, or itself, fail: then it has one retry and half the time
     */
    Exchange exchange(List<FaceRequest> batch, boolean isAgain, QueueStats stats, Listener listener) {
        return new Exchange(batch, isAgain, stats, listener);
    }

    List<Addresses.State> addressStates(Endpoint endpoint) {
        return addresses.states(endpoint.urls());
    }

    /** To be called when every exchange has ended. */
    void close() {
        post.close();
    }

    /** A batch in progress, with all its attempts. */
    final class Exchange {

        private final List<FaceRequest> batch;
        private final boolean isAgain;
        /** Most retries at the same address. */
        private final int retries;
        private final QueueStats stats;
        private final Listener listener;
        private final AtomicBoolean done = new AtomicBoolean();
        private volatile Scheduler.Cancellable deadlineTimer;
        private volatile Scheduler.Cancellable retryTimer;
        private volatile Scheduler.Cancellable witnessTimer;
        private final Set<CompletableFuture<?>> requests = ConcurrentHashMap.newKeySet();
        /** As configured when the batch is sent, so that a change of settings applies to queued photos too. */
        private Endpoint endpoint;
        private volatile URI url;
        private volatile long sentNanos;
        private byte[] body;
        private long startedNanos;
        private int attempts;
        /** Retries after a pause, at the same address. */
        private int pauses;

        private Exchange(List<FaceRequest> batch, boolean isAgain, QueueStats stats, Listener listener) {
            this.batch = batch;
            this.isAgain = isAgain;
            this.retries = isAgain ? 1 : Backoff.MAX_RETRIES;
            this.stats = stats;
            this.listener = listener;
        }

        void start() {
            onGenericThread(this::begin, () -> {});
        }

        void fail(EndpointFault fault) {
            if (end()) {
                log(fault);
                listener.failed(this, fault);
            }
        }

        @SuppressWarnings("try") // the stashed context is there to be closed, not to be used
        private void begin() {
            // The thread context is that of the request that completed the batch. Our timers and threads must not inherit it.
            try (var stashed = threadPool.getThreadContext().stashContext()) {
                endpoint = endpoints.get(endpointName);
                if (endpoint == null) {
                    fail(endpoints.unusable(endpointName));
                    return;
                }
                startedNanos = System.nanoTime();
                deadlineTimer = threadPool.schedule(this::giveUp, timeout(), threadPool.generic());
                if (isOneDocument()) {
                    TimeValue pause = TimeValue.timeValueNanos(timeout().nanos() / 4);
                    witnessTimer = threadPool.schedule(guarded(this::sendWitness, () -> {}), pause, threadPool.generic());
                }
                body = FaceRequest.toJson(batch);
                attempt(null);
            }
        }

        private void giveUp() {
            if (done.get()) {
                return; // the answer arrived at the same moment, so its address works
            }
            URI last = url;
            if (last != null && wasOvertaken() == false) {
                addresses.failed(last);
            }
            fail(EndpointFault.timedOut(endpointName, last == null ? endpoint.urls().get(0) : last, timeout()));
        }

        /** Whether the address answered photos that were sent after this one, which was sent alone. */
        boolean wasOvertaken() {
            URI last = url;
            return last != null && isOneDocument() && overtaking.isOvertaken(last, sentNanos);
        }

        TimeValue timeout() {
            return isAgain ? TimeValue.timeValueNanos(endpoint.timeout().nanos() / 2) : endpoint.timeout();
        }

        private boolean isOneDocument() {
            return batch.size() == 1 && batch.get(0).priority() == FaceRequest.Priority.INGEST;
        }

        private void sendWitness() {
            URI target = url;
            if (done.get() || target == null || wasOvertaken()) {
                return;
            }
            long now = System.nanoTime();
            List<FaceRequest> witness = List.of(Overtaking.witness(batch.get(0)));
            PhotoPost.Sent request;
            try {
                request = post.send(endpoint, target, FaceRequest.toJson(witness));
            } catch (Connector.InvalidAuthorities e) {
                return; // the photo's own request has failed for this reason
            }
            track(request.answer());
            request.answer().whenComplete((response, failure) -> {
                // Not an error, which may be known without waiting in line.
                if (failure == null && response.statusCode() == 200 && AnswerParser.readsPhoto(response.body(), witness)) {
                    overtaking.answered(target, now);
                }
                request.received().release();
            });
        }

        private void attempt(@Nullable URI failedAt) {
            attempts++;
            URI target = addresses.pick(endpoint.urls(), failedAt);
            sentNanos = System.nanoTime();
            url = target;
            PhotoPost.Sent request;
            try {
                request = post.send(endpoint, target, body);
            } catch (Connector.InvalidAuthorities e) {
                addresses.done(target);
                fail(EndpointFault.badAuthorities(endpointName, e.getMessage()));
                return;
            } catch (RuntimeException e) {
                addresses.done(target);
                throw e;
            }
            track(request.answer());
            request.answer().whenComplete((response, failure) -> {
                addresses.done(target);
                onGenericThread(() -> evaluate(target, response, unwrap(failure)), request.received()::release);
            });
        }

        private void evaluate(URI target, @Nullable HttpResponse<byte[]> response, @Nullable Throwable failure) {
            if (done.get()) {
                return;
            }
            EndpointFault fault;
            if (failure != null) {
                fault = EndpointFault.unreachable(endpointName, target, failure);
            } else if (response.statusCode() != 200) {
                AnswerParser.Refusal refusal = AnswerParser.parseRefusal(response.body());
                TimeValue retryAfter = Backoff.retryAfter(response.headers().firstValue("Retry-After"), Instant.now());
                fault = EndpointFault.refused(endpointName, target, response.statusCode(), refusal, retryAfter);
            } else {
                try {
                    succeed(target, AnswerParser.parse(response.body(), batch));
                    return;
                } catch (AnswerParser.Malformed e) {
                    fault = EndpointFault.malformed(endpointName, target, e.getMessage());
                }
            }
            retryOrFail(target, fault);
        }

        private void succeed(URI target, List<FaceAnswer> answers) {
            addresses.succeeded(target);
            if (end()) {
                long tookNanos = System.nanoTime() - startedNanos;
                stats.answered(batch.size(), tookNanos);
                listener.answered(this, answers, tookNanos);
            }
        }

        private void retryOrFail(URI target, EndpointFault fault) {
            switch (fault.kind()) {
                case UNAVAILABLE, BROKEN, MISCONFIGURED -> addresses.failed(target);
                // Always with a pause, or copies that are all overloaded would be asked in turn without one.
                case OVERLOADED -> addresses.overloaded(target, backoff.pause(pauses, fault.retryAfter()));
                case REQUEST -> addresses.succeeded(target);
            }
            boolean other = addresses.isOtherAvailable(target);
            // Another address is asked at once, the same one only after a pause.
            boolean retriesLeft = other ? attempts < endpoint.urls().size() + retries : pauses < retries;
            TimeValue pause = other ? TimeValue.ZERO : backoff.pause(pauses, fault.retryAfter());
            long left = timeout().nanos() - (System.nanoTime() - startedNanos);
            if (fault.kind().isRetryable(other) == false || retriesLeft == false || pause.nanos() >= left) {
                fail(fault);
                return;
            }
            stats.retried();
            if (other) {
                attempt(target);
            } else {
                pauses++;
                retryTimer = threadPool.schedule(guarded(() -> attempt(target), () -> {}), pause, threadPool.generic());
                if (done.get()) {
                    retryTimer.cancel();
                }
            }
        }

        /** Ends the exchange; false if it had ended already. */
        private boolean end() {
            if (done.compareAndSet(false, true) == false) {
                return false;
            }
            cancel(deadlineTimer);
            cancel(retryTimer);
            cancel(witnessTimer);
            // Has no effect on a complete one.
            requests.forEach(request -> request.cancel(true));
            return true;
        }

        private void track(CompletableFuture<?> request) {
            requests.add(request);
            if (done.get()) {
                request.cancel(true); // ended between two attempts
            }
        }

        private void onGenericThread(Runnable work, Runnable afterwards) {
            threadPool.generic().execute(guarded(work, afterwards));
        }

        /** Ends the batch whatever goes wrong. */
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
                    fail(EndpointFault.closing(endpointName)); // the pool rejects work only when the node shuts down
                }
            };
        }
    }

    private void log(EndpointFault fault) {
        long now = System.nanoTime();
        Long last = loggedNanos.get(fault.code());
        if (last == null || now - last > LOG_INTERVAL_NANOS) {
            loggedNanos.put(fault.code(), now);
            logger.warn(fault.message());
        }
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
