package org.ingestface.endpoint;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.threadpool.Scheduler;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * Queues the photos of one endpoint and priority within limits, and sends them in batches.
 *
 * <p>A batch is sent when it is full or its first photo has waited for {@code face.batch.linger}; searches do not linger. While
 * {@code face.batch.in_flight} batches are in progress, photos stay in the queue, so batches grow with the load. After a fault that one
 * photo may have caused, each photo of the batch is sent once more, alone. One that takes too long alone twice, while the service answers
 * others, is itself at fault.
 */
final class Batcher {

    private static final Logger logger = LogManager.getLogger(Batcher.class);

    private final String endpointName;
    private final FaceRequest.Priority priority;
    private final FaceEndpoints endpoints;
    private final BatchSender sender;
    private final ByteBudget budget;
    private final ThreadPool threadPool;
    private final QueueStats stats = new QueueStats();
    private final RequestQueue<Call> queue = new RequestQueue<>();
    private final Set<BatchSender.Exchange> inProgress = new HashSet<>();
    private Scheduler.ScheduledCancellable lingerTimer;
    private boolean closed;
    private long bytes;
    /** Counts the photos that are sent alone. */
    private long sentAlone;

    /** @param budget shared by all endpoints' batchers of this priority */
    Batcher(
        String endpointName,
        FaceRequest.Priority priority,
        FaceEndpoints endpoints,
        BatchSender sender,
        ByteBudget budget,
        ThreadPool threadPool
    ) {
        this.endpointName = endpointName;
        this.priority = priority;
        this.endpoints = endpoints;
        this.sender = sender;
        this.budget = budget;
        this.threadPool = threadPool;
    }

    /** A photo that waits for its answer. */
    private final class Call {

        private final FaceRequest request;
        private final ActionListener<FaceClient.TimedAnswer> listener;
        private final long arrivedNanos = System.nanoTime();
        private Scheduler.Cancellable queueTimer;
        /** Whether it was in a batch that failed, perhaps because of one photo. */
        private boolean isAlone;
        /** Whether it took too long alone while the service answered others. */
        private boolean wasOvertaken;

        private Call(FaceRequest request, ActionListener<FaceClient.TimedAnswer> listener) {
            this.request = request;
            // Notified once, although an answer, a time-out and the node's shutdown may coincide.
            this.listener = ActionListener.notifyOnce(
                ContextPreservingActionListener.wrapPreservingContext(listener, threadPool.getThreadContext())
            );
        }

        private void answer(FaceClient.TimedAnswer answer) {
            callListener(() -> listener.onResponse(answer));
        }

        private void fail(EndpointFault fault) {
            callListener(() -> listener.onFailure(fault.exception(priority.retryAdvice())));
        }

        /** A listener that throws must not affect the other photos of its batch. */
        private void callListener(Runnable notification) {
            try {
                notification.run();
            } catch (Exception e) {
                logger.warn("the listener of a request to endpoint [" + endpointName + "] failed", e);
            }
        }
    }

    void submit(FaceRequest request, ActionListener<FaceClient.TimedAnswer> listener) {
        Call call = new Call(request, listener);
        EndpointFault fault = enqueue(call);
        if (fault == null) {
            sendBatches();
        } else {
            stats.failed(fault.code(), 1);
            call.fail(fault);
        }
    }

    synchronized QueueStats.Snapshot stats() {
        return stats.snapshot(queue.size(), bytes, inProgress.size());
    }

    /** Fails all photos that are queued or in progress, and refuses new ones. */
    void close() {
        List<Call> queued = new ArrayList<>();
        List<BatchSender.Exchange> open;
        synchronized (this) {
            closed = true;
            while (queue.size() > 0) {
                queued.addAll(queue.take(Integer.MAX_VALUE, Long.MAX_VALUE));
            }
            open = List.copyOf(inProgress);
        }
        queued.forEach(call -> failUnsent(call, EndpointFault.closing(endpointName)));
        open.forEach(exchange -> exchange.fail(EndpointFault.closing(endpointName)));
    }

    /** Adds a call to the queue; returns the fault if there is no room for it. */
    @Nullable
    private synchronized EndpointFault enqueue(Call call) {
        if (closed) {
            return EndpointFault.closing(endpointName);
        }
        Endpoint endpoint = endpoints.get(endpointName);
        if (endpoint == null) {
            return endpoints.unusable(endpointName);
        }
        BatchSettings settings = endpoints.batchSettings();
        if (queue.size() >= settings.queueSize()) {
            return EndpointFault.queueFull(endpointName, "[" + queue.size() + "] photos", BatchSettings.QUEUE_SIZE.getKey());
        }
        if (budget.claim(call.request.size(), settings.queueBytes()) == false) {
            String held = "[" + budget.held() + "] of [" + settings.queueBytes() + "] bytes of photos";
            return EndpointFault.queueFull(endpointName, held, BatchSettings.QUEUE_BYTES.getKey());
        }
        bytes += call.request.size();
        addToQueue(call, call.request.model(), endpoint.timeout());
        return null;
    }

    /** @param group photos of one group can share a batch */
    private void addToQueue(Call call, @Nullable String group, TimeValue timeout) {
        queue.add(call, group, call.request.size());
        call.queueTimer = threadPool.schedule(() -> {
            if (removeFromQueue(call)) {
                failUnsent(call, EndpointFault.queuedTooLong(endpointName, timeout));
            }
        }, timeout, threadPool.generic());
    }

    private synchronized boolean removeFromQueue(Call call) {
        return queue.remove(call);
    }

    /** Fails a call that left the queue without being sent. */
    private void failUnsent(Call call, EndpointFault fault) {
        call.queueTimer.cancel();
        release(call);
        stats.failed(fault.code(), 1);
        call.fail(fault);
    }

    /** Sends all batches that are ready. */
    private void sendBatches() {
        List<BatchSender.Exchange> ready = new ArrayList<>();
        synchronized (this) {
            BatchSettings settings = endpoints.batchSettings();
            while (closed == false && queue.size() > 0 && inProgress.size() < settings.inFlight() && isReady(settings)) {
                List<Call> batch = queue.take(settings.size(), settings.bytes());
                batch.forEach(call -> call.queueTimer.cancel());
                BatchSender.Exchange exchange = exchange(batch);
                inProgress.add(exchange);
                ready.add(exchange);
            }
        }
        ready.forEach(BatchSender.Exchange::start);
    }

    /** Whether the next batch is full or its first photo has lingered long enough. If not, sets a timer for when it will have. */
    private boolean isReady(BatchSettings settings) {
        if (priority == FaceRequest.Priority.SEARCH || queue.isBatchFull(settings.size(), settings.bytes())) {
            return true;
        }
        long left = settings.linger().nanos() - (System.nanoTime() - queue.first().arrivedNanos);
        if (left <= 0) {
            return true;
        }
        // Rounded up, because the pool drops fractions of a millisecond, and the timer would fire too early again and again.
        long millis = TimeUnit.NANOSECONDS.toMillis(left) + 1;
        // The timer may be set for later if the linger setting was lowered since.
        if (lingerTimer != null && lingerTimer.getDelay(TimeUnit.MILLISECONDS) > millis) {
            lingerTimer.cancel();
            lingerTimer = null;
        }
        if (lingerTimer == null) {
            lingerTimer = threadPool.schedule(this::lingered, TimeValue.timeValueMillis(millis), threadPool.generic());
        }
        return false;
    }

    private void lingered() {
        synchronized (this) {
            lingerTimer = null;
        }
        sendBatches();
    }

    private BatchSender.Exchange exchange(List<Call> batch) {
        return sender.exchange(batch.stream().map(call -> call.request).toList(), batch.get(0).isAlone, stats, new BatchSender.Listener() {
            @Override
            public void answered(BatchSender.Exchange exchange, List<FaceAnswer> answers, long tookNanos) {
                release(exchange, batch);
                for (int i = 0; i < answers.size(); i++) {
                    batch.get(i).answer(new FaceClient.TimedAnswer(answers.get(i), tookNanos));
                }
            }

            @Override
            public void failed(BatchSender.Exchange exchange, EndpointFault fault) {
                Call first = batch.get(0);
                boolean isOvertaken = fault.isTooSlow() && exchange.wasOvertaken();
                // The first time it may have been caught in something that is over, such as a restart of the service.
                boolean isAtFault = isOvertaken && first.wasOvertaken;
                first.wasOvertaken = isOvertaken;
                boolean mayBeOne = isOvertaken || batch.size() > 1 && fault.mayBeCausedByOnePhoto();
                if (mayBeOne && isAtFault == false && resendAlone(exchange, batch)) {
                    return;
                }
                release(exchange, batch);
                stats.failed(isAtFault ? FaceAnswer.PhotoError.TOO_SLOW : fault.code(), batch.size());
                if (isAtFault) {
                    FaceAnswer tooSlow = FaceAnswer.PhotoError.tooSlow(endpointName, exchange.timeout());
                    first.answer(new FaceClient.TimedAnswer(tooSlow, exchange.timeout().nanos()));
                } else {
                    batch.forEach(call -> call.fail(fault));
                }
            }
        });
    }

    /** Queues each photo of a batch that failed once more, to be sent alone. False if the batcher is closed or the endpoint is gone. */
    private boolean resendAlone(BatchSender.Exchange exchange, List<Call> batch) {
        synchronized (this) {
            Endpoint endpoint = endpoints.get(endpointName);
            if (closed || endpoint == null) {
                return false;
            }
            inProgress.remove(exchange);
            for (Call call : batch) {
                stats.retried();
                call.isAlone = true;
                // Longer, as slow photos of the same batch may come first, and take their time.
                addToQueue(call, "alone " + sentAlone++, TimeValue.timeValueMillis(2 * Math.min(endpoint.timeout().millis(), Long.MAX_VALUE / 4)));
            }
        }
        sendBatches();
        return true;
    }

    /** Frees the batch's place before its listeners are called, so that the next batch does not wait for them. */
    private void release(BatchSender.Exchange exchange, List<Call> batch) {
        synchronized (this) {
            inProgress.remove(exchange);
            batch.forEach(this::release);
        }
        sendBatches();
    }

    private synchronized void release(Call call) {
        bytes -= call.request.size();
        budget.release(call.request.size());
    }
}
