package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.elasticsearch.core.TimeValue;
import org.junit.jupiter.api.Test;

class BackoffTests {

    private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");

    @Test
    void pausesDoubleAndJitterShortensThemByUpToAHalf() {
        Backoff longest = new Backoff(() -> 0.999999999);
        Backoff shortest = new Backoff(() -> 0);
        assertEquals(
            Stream.of(99L, 199L, 399L, 799L).toList(),
            IntStream.range(0, 4).mapToObj(retry -> longest.pause(retry, TimeValue.ZERO).millis()).toList()
        );
        assertEquals(50, shortest.pause(0, TimeValue.ZERO).millis());
        assertEquals(4_999, longest.pause(60, TimeValue.ZERO).millis());
    }

    @Test
    void thePauseIsAtLeastWhatTheServiceAsksFor() {
        assertEquals(2_050, new Backoff(() -> 0).pause(0, TimeValue.timeValueSeconds(2)).millis());
    }

    @Test
    void retryAfterIsSecondsOrADate() {
        assertEquals(7_000, retryAfter("7"));
        assertEquals(90_000, retryAfter("Tue, 24 Nov 2026 12:01:30 GMT"));
        assertEquals(0, retryAfter("Tue, 24 Nov 2026 11:59:00 GMT"));
        assertEquals(0, retryAfter("soon"));
        assertEquals(0, retryAfter("-3"));
        assertEquals(0, Backoff.retryAfter(Optional.empty(), NOW).millis());
    }

    private static long retryAfter(String header) {
        return Backoff.retryAfter(Optional.of(header), NOW).millis();
    }
}
