package org.ingestface;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;

import org.elasticsearch.core.Nullable;

/**
 * Photos that wait for an endpoint: searches before documents, each in the order of arrival, bounded by count and by bytes.
 * Not thread-safe, except for the bytes that several lines share.
 */
final class WaitingLine<T> {

    private record Entry<T>(T item, long bytes) {}

    private final int maxCount;
    private final long maxBytes;
    private final AtomicLong sharedBytes;
    private final Deque<Entry<T>> searches = new ArrayDeque<>();
    private final Deque<Entry<T>> documents = new ArrayDeque<>();

    /**
     * @param maxBytes    upper bound of the bytes that wait in all lines that share {@code sharedBytes}
     * @param sharedBytes the bytes that wait now
     */
    WaitingLine(int maxCount, long maxBytes, AtomicLong sharedBytes) {
        this.maxCount = maxCount;
        this.maxBytes = maxBytes;
        this.sharedBytes = sharedBytes;
    }

    /** Null when the item was taken in, otherwise what there is too much of, as in {@code [1000] photos}. */
    @Nullable
    String offer(T item, long bytes, boolean search) {
        if (size() >= maxCount) {
            return "[" + size() + "] photos";
        }
        long total = sharedBytes.addAndGet(bytes);
        if (total > maxBytes) {
            sharedBytes.addAndGet(-bytes);
            return "[" + (total - bytes) + "] bytes of photos, with room for [" + maxBytes + "],";
        }
        (search ? searches : documents).add(new Entry<>(item, bytes));
        return null;
    }

    /** The next item; null when none waits. */
    @Nullable
    T poll() {
        Entry<T> entry = searches.isEmpty() ? documents.poll() : searches.poll();
        if (entry == null) {
            return null;
        }
        sharedBytes.addAndGet(-entry.bytes);
        return entry.item;
    }

    /** Whether the item still waited; it no longer does. */
    boolean remove(T item) {
        return remove(searches, item) || remove(documents, item);
    }

    int size() {
        return searches.size() + documents.size();
    }

    private boolean remove(Deque<Entry<T>> line, T item) {
        return line.removeIf(entry -> {
            boolean found = entry.item == item;
            if (found) {
                sharedBytes.addAndGet(-entry.bytes);
            }
            return found;
        });
    }
}
