package org.ingestface;

import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.DoubleSupplier;

import org.elasticsearch.core.TimeValue;

/** How long to wait before a request is sent again: exponential, with jitter, and no sooner than the service asks for. */
final class Backoff {

    /** After it, the sender is told to try again: clients have more patience than a node's queue has room. */
    static final int MAX_RETRIES = 4;

    private static final long FIRST_MILLIS = 100;
    private static final long LONGEST_MILLIS = 5_000;

    private final DoubleSupplier random;

    /** @param random uniform in [0, 1) */
    Backoff(DoubleSupplier random) {
        this.random = random;
    }

    /**
     * @param retry      0 for the first
     * @param retryAfter what the service asked for; zero when it did not
     * @return between half and all of 100 ms, 200 ms, 400 ms, …, added to {@code retryAfter}
     */
    TimeValue before(int retry, TimeValue retryAfter) {
        long most = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(retry, 10));
        // Jitter, so that the nodes that a full service turned away together don't come back together.
        return TimeValue.timeValueMillis(retryAfter.millis() + (long) (most * (0.5 + 0.5 * random.getAsDouble())));
    }

    /** Reads the header Retry-After: seconds or a date; zero for none, for one in the past and for what is neither. */
    static TimeValue retryAfter(Optional<String> header, Instant now) {
        String value = header.map(String::strip).orElse("");
        if (value.matches("[0-9]{1,9}")) {
            return TimeValue.timeValueSeconds(Long.parseLong(value));
        }
        try {
            Instant date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            return TimeValue.timeValueMillis(Math.max(0, date.toEpochMilli() - now.toEpochMilli()));
        } catch (DateTimeParseException e) {
            return TimeValue.ZERO;
        }
    }
}
