package org.ingestface;

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

/** Counts what goes through one lane since the node's start. Thread-safe. */
final class EndpointStats {

    /** Upper bounds of the latency histogram in milliseconds, each inclusive; what takes longer is counted in a last bucket. */
    static final int[] BUCKETS = { 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000 };

    private final LongAdder photos = new LongAdder();
    private final LongAdder batches = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final ConcurrentMap<String, LongAdder> failures = new ConcurrentHashMap<>();
    private final AtomicLongArray latencies = new AtomicLongArray(BUCKETS.length + 1);

    void answered(int photosOfBatch, long tookNanos) {
        photos.add(photosOfBatch);
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

    /** @param code of the fault for which {@code photosOfBatch} photos were refused */
    void failed(String code, int photosOfBatch) {
        failures.computeIfAbsent(code, unused -> new LongAdder()).add(photosOfBatch);
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
     * What was counted until now.
     *
     * @param photos   that were answered, those that could not be read included
     * @param batches  requests that were answered
     * @param failures photos that were refused, by the code of the fault
     * @param queued   photos that wait
     * @param bytes    of photos that wait or are under way
     * @param inFlight requests under way
     * @param latency  answered requests by what they took, retries included; see {@link #BUCKETS}
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
