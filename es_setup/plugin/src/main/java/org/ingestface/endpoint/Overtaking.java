package org.ingestface.endpoint;

import java.net.URI;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Tells a photo that takes too long from a service that does: only the photo is at fault if the same address answered others meanwhile
 * that were sent later. A service that is down or overloaded answers none of those, as it takes photos in their order. Thread-safe.
 */
final class Overtaking {

    /** A grey PNG of 64 x 64 pixels, which no service needs long for. */
    private static final String GREY = "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAK0lEQVR42u3MMREAAAgEoNfkRjeEmwcBqMlNRyAQCAQCgUAg"
        + "EAgEAsHzYAFAdAEArKmlZAAAAABJRU5ErkJggg==";

    /** When the answered photo was sent that was sent last, by address, as {@link System#nanoTime}. */
    private final ConcurrentMap<URI, Long> lastAnswered = new ConcurrentHashMap<>();

    /** @param sentNanos when the photos were sent */
    void answered(URI url, long sentNanos) {
        lastAnswered.merge(url, sentNanos, (known, sent) -> sent - known > 0 ? sent : known);
    }

    /** Whether photos were answered that were sent after this time. */
    boolean isOvertaken(URI url, long sentNanos) {
        Long last = lastAnswered.get(url);
        return last != null && last - sentNanos > 0;
    }

    /** A photo to be sent after a slow one, in case nobody else sends any. */
    static FaceRequest witness(FaceRequest slow) {
        return new FaceRequest(GREY, slow.model(), slow.priority(), FaceRequest.Limits.NONE);
    }
}
