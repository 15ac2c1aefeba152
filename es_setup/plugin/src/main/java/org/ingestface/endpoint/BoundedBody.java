package org.ingestface.endpoint;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.LongSupplier;

/**
 * Receives the body of an answer within two limits, one for this answer and one for all answers together, and closes the connection
 * beyond either. So no number of servers can fill this node's heap.
 */
final class BoundedBody implements BodySubscriber<byte[]> {

    private final int limit;
    private final ByteBudget budget;
    private final LongSupplier budgetLimit;
    private final List<ByteBuffer> received = new ArrayList<>();
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private Flow.Subscription subscription;
    private long claimed;
    private boolean released;

    /**
     * @param limit       of this answer, in bytes
     * @param budget      counts the bytes of all answers
     * @param budgetLimit of all answers together, in bytes
     */
    BoundedBody(int limit, ByteBudget budget, LongSupplier budgetLimit) {
        this.limit = limit;
        this.budget = budget;
        this.budgetLimit = budgetLimit;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        this.subscription = subscription;
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        long bytes = buffers.stream().mapToLong(ByteBuffer::remaining).sum();
        IOException refusal = claim(bytes);
        if (refusal == null) {
            received.addAll(buffers);
        } else {
            subscription.cancel();
            received.clear();
            body.completeExceptionally(refusal);
        }
    }

    @Override
    public void onError(Throwable failure) {
        body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
        byte[] joined = new byte[(int) claimed];
        int at = 0;
        for (ByteBuffer buffer : received) {
            int length = buffer.remaining();
            buffer.get(joined, at, length);
            at += length;
        }
        received.clear();
        body.complete(joined);
    }

    /** To be called once the body is no longer needed. */
    synchronized void release() {
        if (released == false) {
            released = true;
            budget.release(claimed);
        }
    }

    private synchronized IOException claim(long bytes) {
        if (claimed + bytes > limit) {
            return new TooLarge(limit);
        }
        if (released || budget.claim(bytes, budgetLimit.getAsLong()) == false) {
            return new OverBudget(budgetLimit.getAsLong());
        }
        claimed += bytes;
        return null;
    }

    /** The answer is larger than the limit. */
    static final class TooLarge extends IOException {

        private static final long serialVersionUID = 1L;
        private final int limit;

        private TooLarge(int limit) {
            super("the answer is larger than [" + limit + "] bytes");
            this.limit = limit;
        }

        int limit() {
            return limit;
        }
    }

    /** All answers together are larger than their limit. */
    static final class OverBudget extends IOException {

        private static final long serialVersionUID = 1L;

        private OverBudget(long limit) {
            super("answers in progress already hold [" + limit + "] bytes");
        }
    }
}
