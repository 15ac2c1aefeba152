package org.ingestface;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.core.Nullable;

/**
 * Photos that wait for an endpoint, in the order of arrival, each of a group: only those of one group can leave together. Not
 * thread-safe.
 */
final class WaitingLine<T> {

    private record Entry<T>(T item, @Nullable String group, long bytes) {}

    private final Deque<Entry<T>> entries = new ArrayDeque<>();

    void add(T item, @Nullable String group, long bytes) {
        entries.add(new Entry<>(item, group, bytes));
    }

    int size() {
        return entries.size();
    }

    /** The one that waits longest; null when none waits. */
    @Nullable
    T first() {
        Entry<T> first = entries.peek();
        return first == null ? null : first.item;
    }

    /** Whether a batch taken now would be as large as it may be, so that waiting longer would not make it larger. */
    boolean isBatchFull(int maxCount, long maxBytes) {
        int size = batch(maxCount, maxBytes).size();
        // One of the group that was left out shows that the bytes are used up.
        return size == maxCount || size < entries.stream().filter(this::isOfFirstGroup).count();
    }

    /** Takes out the first and those of its group that fit beside it; the first whatever its bytes. Empty when none waits. */
    List<T> take(int maxCount, long maxBytes) {
        List<Entry<T>> batch = batch(maxCount, maxBytes);
        // By identity: a record's equals would compare the photos.
        entries.removeIf(entry -> batch.stream().anyMatch(taken -> taken == entry));
        return batch.stream().map(Entry::item).toList();
    }

    /** Whether the item still waited; it no longer does. */
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
