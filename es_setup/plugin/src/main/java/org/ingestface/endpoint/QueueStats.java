package org.ingestface.endpoint;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;

/** Counts the documents' photos, or the searches', of one endpoint since the node's start. Thread-safe. */
final class QueueStats {

    /** Inclusive upper bounds of the latency histogram in milliseconds. Longer requests are counted in one more bucket. */
    static final int[] BUCKETS = { 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000 };

    private final LongAdder photos = new LongAdder();
    private final LongAdder batches = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final ConcurrentMap<String, LongAdder> failures = new ConcurrentHashMap<>();
    private final AtomicLongArray latencies = new AtomicLongArray(BUCKETS.length + 1);

    void answered(int batchSize, long tookNanos) {
        photos.add(batchSize);
        batches.increment();
        long millis = tookNanos / 1_000_000;
        int bucket = 0;
        while (bucket < BUCKETS.length && millis > BUCKETS[bucket]) {
            bucket++;
        }
        latencies.incrementAndGet(bucket);
    }

    void retried() {
        retries.increment();
    }

    /** @param code of the fault because of which {@code batchSize} photos were refused */
    void failed(String code, int batchSize) {
        failures.computeIfAbsent(code, unused -> new LongAdder()).add(batchSize);
    }

    Snapshot snapshot(int queued, long bytes, int inFlight) {
        Map<String, Long> codes = new TreeMap<>();
        failures.forEach((code, count) -> codes.put(code, count.sum()));
        long[] histogram = new long[latencies.length()];
        for (int i = 0; i < histogram.length; i++) {
            histogram[i] = latencies.get(i);
        }
        return new Snapshot(photos.sum(), batches.sum(), retries.sum(), codes, queued, bytes, inFlight, histogram);
    }

    /**
     * The counts at one moment.
     *
     * @param photos   answered photos, including those with an error
     * @param batches  answered requests
     * @param failures refused photos by the code of the fault
     * @param queued   photos in the queue
     * @param bytes    of the photos that are queued or in progress
     * @param inFlight requests in progress
     * @param latency  number of answered requests for each of {@link #BUCKETS}, by their duration including retries
     */
    record Snapshot(long photos, long batches, long retries, Map<String, Long> failures, int queued, long bytes, int inFlight,
        long[] latency) implements Writeable, ToXContentFragment {

        static Snapshot read(StreamInput in) throws IOException {
            return new Snapshot(
                in.readVLong(),
                in.readVLong(),
                in.readVLong(),
                in.readMap(StreamInput::readVLong),
                in.readVInt(),
                in.readVLong(),
                in.readVInt(),
                in.readVLongArray()
            );
        }

        @Override
        public void writeTo(StreamOutput out) throws IOException {
            out.writeVLong(photos);
            out.writeVLong(batches);
            out.writeVLong(retries);
            out.writeMap(failures, StreamOutput::writeVLong);
            out.writeVInt(queued);
            out.writeVLong(bytes);
            out.writeVInt(inFlight);
            out.writeVLongArray(latency);
        }

        @Override
        public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
            builder.field("photos", photos);
            builder.field("batches", batches);
            builder.field("mean_batch", batches == 0 ? 0 : Math.round(100.0 * photos / batches) / 100.0);
            builder.field("retries", retries);
            builder.field("failures", failures);
            builder.startObject("queue").field("photos", queued).field("bytes", bytes).field("in_flight", inFlight).endObject();
            builder.startArray("latency");
            for (int i = 0; i < latency.length; i++) {
                builder.startObject();
                if (i < BUCKETS.length) {
                    builder.field("le_millis", BUCKETS[i]);
                }
                builder.field("count", latency[i]).endObject();
            }
            return builder.endArray();
        }
    }
}
