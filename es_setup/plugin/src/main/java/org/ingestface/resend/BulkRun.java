package org.ingestface.resend;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.elasticsearch.ElasticsearchException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRunnable;
import org.elasticsearch.action.DocWriteResponse;
import org.elasticsearch.action.bulk.BulkItemResponse;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.bulk.BulkResponse;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.action.support.RefCountingRunnable;
import org.elasticsearch.action.update.UpdateRequest;
import org.elasticsearch.action.update.UpdateResponse;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.util.concurrent.ThrottledIterator;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.Releasable;
import org.elasticsearch.index.engine.VersionConflictEngineException;
import org.elasticsearch.threadpool.ThreadPool;

/**
 * The course of one bulk. In each round: what stands is read, the merged documents go on as one bulk, and the updates as single requests.
 * Documents that were changed meanwhile are read and merged again.
 */
final class BulkRun {

    /** Updates under way at a time. Enough for full batches of photos, as those of all requests share batches. */
    private static final int MAX_UPDATES = 64;

    private final BulkRequest original;
    private final Client client;
    private final ThreadPool threadPool;
    private final StoredDocuments documents;
    private final ActionListener<BulkResponse> listener;
    private final Iterator<List<Item>> rounds;
    private final BulkItemResponse[] answers;
    private final long start = System.nanoTime();
    private long ingestMillis = BulkResponse.NO_INGEST_TOOK;
    /** Why the bulk was refused as a whole. */
    @Nullable
    private Exception refusal;

    BulkRun(
        BulkRequest original,
        List<Item> items,
        Client client,
        ThreadPool threadPool,
        StoredDocuments documents,
        ActionListener<BulkResponse> listener
    ) {
        this.original = original;
        this.client = client;
        this.threadPool = threadPool;
        this.documents = documents;
        this.listener = listener;
        this.rounds = Item.rounds(items).iterator();
        this.answers = new BulkItemResponse[items.size()];
    }

    void start() {
        if (rounds.hasNext()) {
            run(rounds.next(), 1);
        } else {
            finish();
        }
    }

    /** @param attempt from 1, for these items */
    private void run(List<Item> items, int attempt) {
        List<Item> dependent = items.stream().filter(Item::dependsOnStored).toList();
        documents.read(dependent, listener.delegateFailureAndWrap((l, stored) -> {
            // Merging takes time that a thread of the network does not have.
            threadPool.executor(ThreadPool.Names.WRITE).execute(new ActionRunnable<>(l) {
                @Override
                protected void doRun() {
                    write(items, stored, attempt);
                }

                @Override
                public boolean isForceExecution() {
                    // Earlier rounds may have written already; new work is refused by the bulk itself.
                    return true;
                }
            });
        }));
    }

    private void write(List<Item> items, Map<Integer, Stored> stored, int attempt) {
        MergedBulk bulk = new MergedBulk(original);
        List<Item> written = new ArrayList<>();
        List<Item> updates = new ArrayList<>();
        for (Item item : items) {
            if (item.kind() == Item.Kind.UPDATE) {
                updates.add(item);
                continue;
            }
            ElasticsearchException refusal = Refusals.unread(item, stored.get(item.slot()));
            if (refusal != null) {
                fail(item, refusal);
            } else {
                bulk.add(Rewriting.of(item, stored.get(item.slot())));
                written.add(item);
            }
        }
        try (RefCountingRunnable refs = new RefCountingRunnable(() -> settle(written, stored, attempt))) {
            if (written.isEmpty() == false) {
                client.bulk(bulk, inContext(ActionListener.releaseAfter(answersOf(written), refs.acquire())));
            }
            if (updates.isEmpty() == false) {
                Releasable all = refs.acquire();
                ThrottledIterator.run(updates.iterator(), this::update, MAX_UPDATES, all::close);
            }
        }
    }

    private ActionListener<BulkResponse> answersOf(List<Item> written) {
        return new ActionListener<>() {
            @Override
            public void onResponse(BulkResponse response) {
                for (int i = 0; i < written.size(); i++) {
                    BulkItemResponse answer = response.getItems()[i];
                    answer(written.get(i), answer.isFailed() ? null : answer.getResponse(), answer.getFailure());
                }
                ingestMillis = Math.max(ingestMillis, response.getIngestTookInMillis());
            }

            @Override
            public void onFailure(Exception e) {
                written.forEach(item -> fail(item, e));
                refusal = written.size() == answers.length ? e : null;
            }
        };
    }

    private void update(Releasable done, Item item) {
        UpdateRequest request = (UpdateRequest) item.request();
        // A request of a bulk has none of these: they are the bulk's.
        request.setRefreshPolicy(original.getRefreshPolicy());
        request.timeout(original.timeout());
        request.waitForActiveShards(original.waitForActiveShards());
        ActionListener<UpdateResponse> answered = ActionListener.notifyOnce(new ActionListener<>() {
            @Override
            public void onResponse(UpdateResponse response) {
                request.setRefreshPolicy(BulkRequest.RefreshPolicy.NONE);
                answer(item, response, null);
            }

            @Override
            public void onFailure(Exception e) {
                request.setRefreshPolicy(BulkRequest.RefreshPolicy.NONE);
                fail(item, e);
            }
        });
        ActionListener.run(inContext(ActionListener.releaseAfter(answered, done)), l -> client.update(request, l));
    }

    /** Takes up again what another request has changed or created between the reading and the writing. */
    private void settle(List<Item> written, Map<Integer, Stored> stored, int attempt) {
        List<Item> again = new ArrayList<>();
        for (Item item : written) {
            BulkItemResponse answer = answers[item.slot()];
            boolean isConflict = answer.isFailed()
                && ExceptionsHelper.unwrapCause(answer.getFailure().getCause()) instanceof VersionConflictEngineException;
            if (isConflict && item.kind() == Item.Kind.SEND && item.hasExternalVersion() == false) {
                ElasticsearchException refusal = Refusals.afterConflict(item, stored.get(item.slot()), attempt);
                if (refusal == null) {
                    again.add(item);
                } else {
                    fail(item, refusal);
                }
            }
        }
        if (again.isEmpty()) {
            start();
        } else {
            run(again, attempt + 1);
        }
    }

    private void fail(Item item, Exception e) {
        Throwable cause = ExceptionsHelper.unwrapCause(e);
        Exception told = cause instanceof Exception exception ? exception : e;
        answer(item, null, new BulkItemResponse.Failure(item.index(), item.request().id(), told));
    }

    /** Under the operation that was sent, which may have gone on as another one. */
    private void answer(Item item, @Nullable DocWriteResponse response, @Nullable BulkItemResponse.Failure failure) {
        int slot = item.slot();
        answers[slot] = failure == null
            ? BulkItemResponse.success(slot, item.request().opType(), response)
            : BulkItemResponse.failure(slot, item.request().opType(), failure);
    }

    private void finish() {
        if (refusal != null) {
            listener.onFailure(refusal);
            return;
        }
        listener.onResponse(new BulkResponse(answers, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start), ingestMillis));
    }

    private <T> ActionListener<T> inContext(ActionListener<T> inner) {
        return ContextPreservingActionListener.wrapPreservingContext(inner, threadPool.getThreadContext());
    }
}
