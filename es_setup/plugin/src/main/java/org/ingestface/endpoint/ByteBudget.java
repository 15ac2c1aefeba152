package org.ingestface.endpoint;

/** Counts the bytes that this node holds at once. Thread-safe. */
final class ByteBudget {

    private long held;

    /** Adds {@code bytes} unless the sum would exceed the limit. More than the limit is accepted while nothing else is held. */
    synchronized boolean claim(long bytes, long limit) {
        if (held > 0 && held + bytes > limit) {
            return false;
        }
        held += bytes;
        return true;
    }

    synchronized void release(long bytes) {
        held -= bytes;
    }

    synchronized long held() {
        return held;
    }
}
