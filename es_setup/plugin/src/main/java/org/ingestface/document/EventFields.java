package org.ingestface.document;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;

import org.elasticsearch.common.time.DateFormatter;
import org.elasticsearch.core.Nullable;

/** The fields {@code @timestamp} and {@code event.*} of a document: when its photo was taken and ingested, and with what outcome. */
final class EventFields {

    static final List<String> NAMES = List.of("event.ingested", "event.lag", "event.duration", "event.outcome", "@timestamp");

    private static final DateTimeFormatter UTC_MILLIS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'")
        .withZone(ZoneOffset.UTC);
    /** The formats that our mapping of {@code @timestamp} accepts, as strings and as numbers. */
    private static final DateFormatter TIMESTAMP = DateFormatter.forPattern("strict_date_optional_time||epoch_millis");

    private final DocumentFields fields;

    EventFields(DocumentFields fields) {
        this.fields = fields;
    }

    /** The {@code @timestamp} that the sender gave, as far as that can be told after an earlier run; null if there is none. */
    @Nullable
    Object sentTimestamp(EarlierRun earlier) {
        Object timestamp = fields.get("@timestamp");
        // An earlier run wrote a lag only for a time that the sender gave.
        if (timestamp == null || earlier == EarlierRun.NONE || fields.get("event.lag") != null) {
            return timestamp;
        }
        // After a run on the same photo it may be the time of an older ingest, which looks like a sender's time.
        boolean ours = earlier == EarlierRun.SAME_PHOTO
            || timestamp.equals(fields.get("event.ingested"))
            || timestamp.equals(fields.get("photo.taken"));
        return ours ? null : timestamp;
    }

    boolean isFailure() {
        return "failure".equals(fields.get("event.outcome"));
    }

    /**
     * @param taken     when the photo was taken; null if unknown
     * @param sent      the sender's own {@code @timestamp}; null if there is none
     * @param tookNanos duration of the endpoint's answer
     * @param now       the time of the ingest
     */
    void write(String outcome, @Nullable String taken, @Nullable Object sent, long tookNanos, Instant now) {
        fields.setIfAbsent("@timestamp", taken == null ? UTC_MILLIS.format(now) : taken);
        fields.replace("event.ingested", UTC_MILLIS.format(now));
        fields.replace("event.lag", sent == null ? null : nanosSince(sent, now));
        fields.replace("event.duration", tookNanos);
        fields.replace("event.outcome", outcome);
    }

    /** Negative for a future time; null for what is not a time, or if the nanoseconds do not fit into 64 bits. */
    @Nullable
    private static Long nanosSince(Object time, Instant now) {
        try {
            long millis = Math.subtractExact(now.toEpochMilli(), TIMESTAMP.parseMillis(time.toString()));
            return Math.multiplyExact(millis, 1_000_000L);
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
            return null;
        }
    }
}
