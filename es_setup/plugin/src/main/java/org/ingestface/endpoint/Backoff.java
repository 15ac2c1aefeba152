package org.ingestface.endpoint;

import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.DoubleSupplier;

import org.elasticsearch.core.TimeValue;

/** The pause before a retry: exponential with jitter, and at least what the service asks for. */
final class Backoff {

    /** Then the client is told to retry: it can wait longer than a node's queue can hold photos. */
    static final int MAX_RETRIES = 4;

    private static final long MIN_MILLIS = 100;
    private static final long MAX_MILLIS = 5_000;

    private final DoubleSupplier random;

    /** @param random uniform in [0, 1) */
    Backoff(DoubleSupplier random) {
        this.random = random;
    }

    /**
     * @param retry      0 for the first
     * @param retryAfter the pause that the service asked for; zero if it asked for none
     * @return {@code retryAfter} and between 50 and 100 % of 100 ms, 200 ms, 400 ms, … 5 s
     */
    TimeValue pause(int retry, TimeValue retryAfter) {
        long most = Math.min(MAX_MILLIS, MIN_MILLIS << Math.min(retry, 10));
        // Jitter, so that nodes that an overloaded service refused together don't all come back at once.
        return TimeValue.timeValueMillis(retryAfter.millis() + (long) (most * (0.5 + 0.5 * random.getAsDouble())));
    }

    /** Reads the header Retry-After, seconds or a date: zero if it is missing, invalid or in the past. */
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
