package org.ingestface;

/** Bytes of photos that are held at once, on this node. Thread-safe. */
final class ByteBudget {

    private long held;

    /** Whether {@code bytes} may be held too; what is larger than the whole budget may, when nothing else is held. */
    synchronized boolean claim(long bytes, long most) {
        if (held > 0 && held + bytes > most) {
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
