package org.ingestface.endpoint;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.io.stream.Writeable;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.xcontent.ToXContentFragment;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * Chooses among the copies of one service. A request goes to the copy with the fewest requests in progress. A copy that fails is taken
 * out for a pause that doubles with each failure, and is then tried by one request at a time. If all are out, the one whose pause ends
 * first is used. Thread-safe.
 */
final class Addresses {

    private static final long FIRST_PAUSE_NANOS = TimeValue.timeValueSeconds(1).nanos();
    private static final long MAX_PAUSE_NANOS = TimeValue.timeValueSeconds(30).nanos();

    /**
     * An address as the statistics show it.
     *
     * @param url      as configured; it cannot contain user info
     * @param inFlight requests in progress
     * @param failures in a row
     * @param isOut    whether it is taken out now
     */
    record State(String url, int inFlight, int failures, boolean isOut) implements Writeable, ToXContentFragment {

        static State read(StreamInput in) throws IOException {
            return new State(in.readString(), in.readVInt(), in.readVInt(), in.readBoolean());
        }

        @Override
        public void writeTo(StreamOutput out) throws IOException {
            out.writeString(url);
            out.writeVInt(inFlight);
            out.writeVInt(failures);
            out.writeBoolean(isOut);
        }

        @Override
        public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
            builder.startObject().field("url", url).field("state", isOut ? "out" : "in");
            return builder.field("failures_in_a_row", failures).field("in_flight", inFlight).endObject();
        }
    }

    private static final class Address {

        private final URI url;
        private int inFlight;
        private int failures;
        private long pausedUntil;
        private boolean paused;

        private Address(URI url) {
            this.url = url;
        }

        private boolean isOut(long now) {
            return paused && pausedUntil - now > 0;
        }

        private void pauseUntil(long time) {
            paused = true;
            pausedUntil = time;
        }
    }

    private final LongSupplier nanoTime;
    /** Includes addresses that are no longer configured, until their last request has ended. */
    private final Map<URI, Address> addresses = new HashMap<>();
    private List<Address> configured = List.of();
    private int turn;

    Addresses(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * Chooses the address of a request, which counts as in progress until {@link #done}.
     *
     * @param urls  as configured now
     * @param avoid the address at which this request failed last; chosen again only if no other is available
     */
    synchronized URI pick(List<URI> urls, @Nullable URI avoid) {
        update(urls);
        long now = nanoTime.getAsLong();
        List<Address> inTurn = new ArrayList<>(configured);
        Collections.rotate(inTurn, -(turn++ % inTurn.size()));
        Comparator<Address> leastBusy = Comparator.comparingInt(address -> address.inFlight);
        Comparator<Address> elsewhere = Comparator.comparing(address -> address.url.equals(avoid));
        Address chosen = inTurn.stream()
            .filter(address -> address.isOut(now) == false)
            .min(elsewhere.thenComparing(leastBusy))
            .orElseGet(() -> inTurn.stream().min(Comparator.comparingLong(address -> address.pausedUntil - now)).orElseThrow());
        chosen.inFlight++;
        if (chosen.failures > 0) {
            // Other requests go elsewhere until this one shows whether the address works again.
            chosen.pauseUntil(now + pause(chosen.failures));
        }
        return chosen.url;
    }

    /** Whether an address other than {@code url} is available. */
    synchronized boolean isOtherAvailable(URI url) {
        long now = nanoTime.getAsLong();
        return configured.stream().anyMatch(address -> address.url.equals(url) == false && address.isOut(now) == false);
    }

    /** A request to this address has ended. */
    synchronized void done(URI url) {
        addresses.get(url).inFlight--;
    }

    synchronized void succeeded(URI url) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures = 0;
            address.paused = false;
        }
    }

    /** Takes the address out for a while. */
    synchronized void failed(URI url) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures++;
            address.pauseUntil(nanoTime.getAsLong() + pause(address.failures));
        }
    }

    /** Pauses an address that works but is overloaded. */
    synchronized void overloaded(URI url, TimeValue retryAfter) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures = 0;
            address.pauseUntil(nanoTime.getAsLong() + Math.min(retryAfter.nanos(), MAX_PAUSE_NANOS));
        }
    }

    /** @param urls as configured now */
    synchronized List<State> states(List<URI> urls) {
        update(urls);
        long now = nanoTime.getAsLong();
        return configured.stream()
            .map(address -> new State(address.url.toString(), address.inFlight, address.failures, address.isOut(now)))
            .toList();
    }

    private void update(List<URI> urls) {
        configured = urls.stream().distinct().map(url -> addresses.computeIfAbsent(url, Address::new)).toList();
        addresses.values().removeIf(address -> address.inFlight == 0 && configured.contains(address) == false);
    }

    private static long pause(int failures) {
        return Math.min(MAX_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(failures - 1, 5));
    }
}
