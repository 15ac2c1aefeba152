package org.ingestface;

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
 * The documents, or the searches, of one endpoint: photos wait in a bounded line and leave in batches, a few of which are under way.
 *
 * <p>A batch leaves when it is full, or when its first photo has waited for {@code face.batch.linger}; a search never lingers. While as
 * many batches as may be are under way, photos gather in the line, and so batches grow with the load by themselves. A batch that breaks
 * the service is sent again photo by photo.
 */
final class Lane {

    private static final Logger logger = LogManager.getLogger(Lane.class);

    private final String endpointName;
    private final FaceRequest.Priority priority;
    private final FaceEndpoints endpoints;
    private final Transport transport;
    private final ByteBudget budget;
    private final ThreadPool threadPool;
    private final EndpointStats stats = new EndpointStats();
    private final WaitingLine<Call> waiting = new WaitingLine<>();
    private final Set<Transport.Exchange> underWay = new HashSet<>();
    private Scheduler.ScheduledCancellable wakeUp;
    private boolean closed;
    private long bytes;
    /** Numbers the photos that leave alone. */
    private long alone;

    /** @param budget shared with the other endpoints' lanes of this priority */
    Lane(
        String endpointName,
        FaceRequest.Priority priority,
        FaceEndpoints endpoints,
        Transport transport,
        ByteBudget budget,
        ThreadPool threadPool
    ) {
        this.endpointName = endpointName;
        this.priority = priority;
        this.endpoints = endpoints;
        this.transport = transport;
        this.budget = budget;
        this.threadPool = threadPool;
    }

    /** One photo, from the line to its answer. */
    private final class Call {

        private final FaceRequest request;
        private final ActionListener<FaceClient.Timed> listener;
        private final long arrivedNanos = System.nanoTime();
        private Scheduler.Cancellable patience;
        /** Whether it was in a batch that broke the service. */
        private boolean leavesAlone;

        private Call(FaceRequest request, ActionListener<FaceClient.Timed> listener) {
            this.request = request;
            // Once, whatever happens: an answer, a time-out and the node's end may meet.
            this.listener = ActionListener.notifyOnce(
                ContextPreservingActionListener.wrapPreservingContext(listener, threadPool.getThreadContext())
            );
        }

        private void answer(FaceClient.Timed answer) {
            apart(() -> listener.onResponse(answer));
        }

        private void fail(EndpointFault fault) {
            apart(() -> listener.onFailure(fault.exception(priority.again())));
        }

        /** One listener's own trouble is not its neighbours'. */
        private void apart(Runnable notification) {
            try {
                notification.run();
            } catch (Exception e) {
                logger.warn("a listener failed after endpoint [" + endpointName + "] had been asked", e);
            }
        }
    }

    void submit(FaceRequest request, ActionListener<FaceClient.Timed> listener) {
        Call call = new Call(request, listener);
        EndpointFault fault = admit(call);
        if (fault == null) {
            pump();
        } else {
            stats.failed(fault.code(), 1);
            call.fail(fault);
        }
    }

    EndpointStats.Snapshot stats() {
        synchronized (this) {
            return stats.snapshot(waiting.size(), bytes, underWay.size());
        }
    }

    /** Fails what waits or is under way and takes nothing more. */
    void close() {
        List<Call> left = new ArrayList<>();
        List<Transport.Exchange> open;
        synchronized (this) {
            closed = true;
            while (waiting.size() > 0) {
                left.addAll(waiting.take(Integer.MAX_VALUE, Long.MAX_VALUE));
            }
            open = List.copyOf(underWay);
        }
        left.forEach(call -> giveUp(call, EndpointFault.closing(endpointName)));
        open.forEach(exchange -> exchange.fail(EndpointFault.closing(endpointName)));
    }

    /** Null when the call waits now. */
    private synchronized EndpointFault admit(Call call) {
        if (closed) {
            return EndpointFault.closing(endpointName);
        }
        Endpoint endpoint = endpoints.get(endpointName);
        if (endpoint == null) {
            return endpoints.notConfigured(endpointName);
        }
        Batching batching = endpoints.batching();
        if (waiting.size() >= batching.queueSize()) {
            return EndpointFault.queueFull(endpointName, "[" + waiting.size() + "] photos", Batching.QUEUE_SIZE.getKey());
        }
        if (budget.claim(call.request.size(), batching.queueBytes()) == false) {
            String what = "[" + budget.held() + "] bytes of photos, with room for [" + batching.queueBytes() + "],";
            return EndpointFault.queueFull(endpointName, what, Batching.QUEUE_BYTES.getKey());
        }
        bytes += call.request.size();
        wait(call, call.request.model(), endpoint.timeout());
        return null;
    }

    /** @param group of which photos may leave together */
    private void wait(Call call, @Nullable String group, TimeValue timeout) {
        waiting.add(call, group, call.request.size());
        call.patience = threadPool.schedule(() -> {
            if (leaveLine(call)) {
                giveUp(call, EndpointFault.waitedTooLong(endpointName, timeout));
            }
        }, timeout, threadPool.generic());
    }

    private synchronized boolean leaveLine(Call call) {
        return waiting.remove(call);
    }

    /** Fails a call that was admitted and never sent. */
    private void giveUp(Call call, EndpointFault fault) {
        call.patience.cancel();
        release(call);
        stats.failed(fault.code(), 1);
        call.fail(fault);
    }

    /** Sends whatever may leave now. */
    private void pump() {
        List<Transport.Exchange> leaving = new ArrayList<>();
        synchronized (this) {
            Batching batching = endpoints.batching();
            while (closed == false && waiting.size() > 0 && underWay.size() < batching.inFlight() && mayLeave(batching)) {
                List<Call> batch = waiting.take(batching.size(), batching.bytes());
                batch.forEach(call -> call.patience.cancel());
                Transport.Exchange exchange = exchange(batch);
                underWay.add(exchange);
                leaving.add(exchange);
            }
        }
        leaving.forEach(Transport.Exchange::start);
    }

    /** Whether the first of the line has lingered long enough, or its batch is full; else it is looked at again in time. */
    private boolean mayLeave(Batching batching) {
        if (priority == FaceRequest.Priority.SEARCH || waiting.isBatchFull(batching.size(), batching.bytes())) {
            return true;
        }
        long left = batching.linger().nanos() - (System.nanoTime() - waiting.first().arrivedNanos);
        if (left <= 0) {
            return true;
        }
        // Rounded up: the pool drops what is below a millisecond, and would wake us too early, again and again.
        long millis = TimeUnit.NANOSECONDS.toMillis(left) + 1;
        // It may be set for later, if the linger was lowered since.
        if (wakeUp != null && wakeUp.getDelay(TimeUnit.MILLISECONDS) > millis) {
            wakeUp.cancel();
            wakeUp = null;
        }
        if (wakeUp == null) {
            wakeUp = threadPool.schedule(this::wakeUp, TimeValue.timeValueMillis(millis), threadPool.generic());
        }
        return false;
    }

    private void wakeUp() {
        synchronized (this) {
            wakeUp = null;
        }
        pump();
    }

    private Transport.Exchange exchange(List<Call> batch) {
        // What broke the service with its neighbours may do so alone, and the neighbours wait meanwhile.
        int retries = batch.get(0).leavesAlone ? 1 : Backoff.MAX_RETRIES;
        return transport.exchange(batch.stream().map(call -> call.request).toList(), retries, stats, new Transport.Outcome() {
            @Override
            public void answered(Transport.Exchange exchange, List<FaceAnswer> answers, long tookNanos) {
                leave(exchange, batch);
                for (int i = 0; i < answers.size(); i++) {
                    batch.get(i).answer(new FaceClient.Timed(answers.get(i), tookNanos));
                }
            }

            @Override
            public void failed(Transport.Exchange exchange, EndpointFault fault) {
                if (batch.size() > 1 && fault.mayBeOnePhotos() && sendApart(exchange, batch)) {
                    return;
                }
                leave(exchange, batch);
                stats.failed(fault.code(), batch.size());
                batch.forEach(call -> call.fail(fault));
            }
        });
    }

    /** Lets each photo of a batch leave once more, alone, so that none pays for another. False when nothing may leave any more. */
    private boolean sendApart(Transport.Exchange exchange, List<Call> batch) {
        synchronized (this) {
            Endpoint endpoint = endpoints.get(endpointName);
            if (closed || endpoint == null) {
                return false;
            }
            underWay.remove(exchange);
            for (Call call : batch) {
                stats.retried();
                call.leavesAlone = true;
                wait(call, "alone " + alone++, endpoint.timeout());
            }
        }
        pump();
        return true;
    }

    /** Gives back what the batch held, before the listeners do their part: the next batch does not wait for them. */
    private void leave(Transport.Exchange exchange, List<Call> batch) {
        synchronized (this) {
            underWay.remove(exchange);
            batch.forEach(this::release);
        }
        pump();
    }

    private synchronized void release(Call call) {
        bytes -= call.request.size();
        budget.release(call.request.size());
    }
}
