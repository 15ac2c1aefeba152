package org.ingestface.endpoint;

import java.net.URI;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Tells a photo that takes too long from a service that does. A witness, a blank picture, is sent after the photo: only if the same address
 * answers that meanwhile is the photo at fault. A service that is down or overloaded does not, as it takes photos in their order. Other
 * photos are no witnesses, since a service may take small ones before large ones. Thread-safe.
 */
final class Overtaking {

    /** Large enough to wait in line with large photos (over 4 megapixels, in our service); a file of 2.5 kB. */
    private static final String BLANK = BlankPicture.base64(2_100);

    /** When the answered witness was sent that was sent last, by address, as {@link System#nanoTime}. */
    private final ConcurrentMap<URI, Long> lastAnswered = new ConcurrentHashMap<>();

    /** @param sentNanos when the witness was sent */
    void answered(URI url, long sentNanos) {
        lastAnswered.merge(url, sentNanos, (known, sent) -> sent - known > 0 ? sent : known);
    }

    /** Whether a witness was answered that was sent after this time. */
    boolean isOvertaken(URI url, long sentNanos) {
        Long last = lastAnswered.get(url);
        return last != null && last - sentNanos > 0;
    }

    /** To be sent after a slow photo. */
    static FaceRequest witness(FaceRequest slow) {
        return new FaceRequest(BLANK, slow.model(), slow.priority(), FaceRequest.Limits.NONE);
    }
}
