package org.ingestface.endpoint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.core.Nullable;

/**
 * A queue whose items are taken out in batches, in the order of arrival. Each item belongs to a group, and a batch has items of only one
 * group. Not thread-safe.
 */
final class RequestQueue<T> {

    private record Entry<T>(T item, @Nullable String group, long bytes) {}

    private final Deque<Entry<T>> entries = new ArrayDeque<>();

    void add(T item, @Nullable String group, long bytes) {
        entries.add(new Entry<>(item, group, bytes));
    }

    int size() {
        return entries.size();
    }

    /** The item that waits longest; null if the queue is empty. */
    @Nullable
    T first() {
        Entry<T> first = entries.peek();
        return first == null ? null : first.item;
    }

    /** Whether a batch taken now would be as large as the limits allow, so that waiting longer cannot enlarge it. */
    boolean isBatchFull(int maxCount, long maxBytes) {
        int size = batch(maxCount, maxBytes).size();
        // The byte limit is reached if the batch leaves out an item of its group.
        return size == maxCount || size < entries.stream().filter(this::isOfFirstGroup).count();
    }

    /** Takes out the first item, whatever its size, and those of its group that fit into the same batch. */
    List<T> take(int maxCount, long maxBytes) {
        List<Entry<T>> batch = batch(maxCount, maxBytes);
        // By identity, because a record's equals would compare whole photos.
        entries.removeIf(entry -> batch.stream().anyMatch(taken -> taken == entry));
        return batch.stream().map(Entry::item).toList();
    }

    /** Removes an item; false if it was not in the queue. */
    boolean remove(T item) {
        return entries.removeIf(entry -> entry.item == item);
    }

    private List<Entry<T>> batch(int maxCount, long maxBytes) {
        List<Entry<T>> batch = new ArrayList<>();
        long bytes = 0;
        for (Iterator<Entry<T>> rest = entries.iterator(); rest.hasNext() && batch.size() < maxCount;) {
            Entry<T> entry = rest.next();
            if (isOfFirstGroup(entry)) {
                bytes += entry.bytes;
                if (batch.isEmpty() == false && bytes > maxBytes) {
                    break;
                }
                batch.add(entry);
            }
        }
        return batch;
    }

    private boolean isOfFirstGroup(Entry<T> entry) {
        return Objects.equals(entry.group, entries.peek().group);
    }
}
