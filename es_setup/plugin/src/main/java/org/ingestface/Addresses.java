package org.ingestface;

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
 * The copies of one service: which is asked next. Requests are spread to the copy that has the fewest, a copy that fails is taken out
 * and tried again after a pause that doubles with each failure, by one request at a time. When all are out, the one whose pause ends
 * first is asked all the same. Thread-safe.
 */
final class Addresses {

    private static final long FIRST_PAUSE_NANOS = TimeValue.timeValueSeconds(1).nanos();
    private static final long LONGEST_PAUSE_NANOS = TimeValue.timeValueSeconds(30).nanos();

    /**
     * What is known of an address.
     *
     * @param url    as it is configured; user info is not allowed in it
     * @param failed requests in a row
     * @param isOut  taken out now
     */
    record State(String url, int inFlight, int failed, boolean isOut) implements Writeable, ToXContentFragment {

        static State read(StreamInput in) throws IOException {
            return new State(in.readString(), in.readVInt(), in.readVInt(), in.readBoolean());
        }

        @Override
        public void writeTo(StreamOutput out) throws IOException {
            out.writeString(url);
            out.writeVInt(inFlight);
            out.writeVInt(failed);
            out.writeBoolean(isOut);
        }

        @Override
        public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
            builder.startObject().field("url", url).field("state", isOut ? "out" : "in");
            return builder.field("failures_in_a_row", failed).field("in_flight", inFlight).endObject();
        }
    }

    private static final class Address {
        private final URI url;
        private int underWay;
        private int failures;
        private long restsUntil;
        private boolean rests;

        private Address(URI url) {
            this.url = url;
        }

        private boolean isOut(long now) {
            return rests && restsUntil - now > 0;
        }

        private void restUntil(long time) {
            rests = true;
            restsUntil = time;
        }
    }

    private final LongSupplier nanoTime;
    /** Also those that are not configured any more, until their last request has ended. */
    private final Map<URI, Address> addresses = new HashMap<>();
    private List<Address> configured = List.of();
    private int turn;

    Addresses(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * Chooses the address of a request, which is under way until {@link #done}.
     *
     * @param urls  as they are configured now
     * @param avoid the address that failed this request last; asked again only when there is no other that works
     */
    synchronized URI pick(List<URI> urls, @Nullable URI avoid) {
        follow(urls);
        long now = nanoTime.getAsLong();
        List<Address> inTurn = new ArrayList<>(configured);
        Collections.rotate(inTurn, -(turn++ % inTurn.size()));
        Comparator<Address> leastBusy = Comparator.comparingInt(address -> address.underWay);
        Comparator<Address> elsewhere = Comparator.comparing(address -> address.url.equals(avoid));
        Address chosen = inTurn.stream()
            .filter(address -> address.isOut(now) == false)
            .min(elsewhere.thenComparing(leastBusy))
            .orElseGet(() -> inTurn.stream().min(Comparator.comparingLong(address -> address.restsUntil - now)).orElseThrow());
        chosen.underWay++;
        if (chosen.failures > 0) {
            // Until this request shows whether it works again, the others go elsewhere.
            chosen.restUntil(now + pause(chosen.failures));
        }
        return chosen.url;
    }

    /** Whether there is an address other than {@code url} that is not taken out. */
    synchronized boolean isAnotherIn(URI url) {
        long now = nanoTime.getAsLong();
        return configured.stream().anyMatch(address -> address.url.equals(url) == false && address.isOut(now) == false);
    }

    /** The request that was sent there has ended. */
    synchronized void done(URI url) {
        addresses.get(url).underWay--;
    }

    synchronized void worked(URI url) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures = 0;
            address.rests = false;
        }
    }

    /** Takes the address out for a while. */
    synchronized void failed(URI url) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures++;
            address.restUntil(nanoTime.getAsLong() + pause(address.failures));
        }
    }

    /** Leaves an address that works but is full alone for a while. */
    synchronized void isFull(URI url, TimeValue retryAfter) {
        Address address = addresses.get(url);
        if (address != null) {
            address.failures = 0;
            address.restUntil(nanoTime.getAsLong() + Math.min(retryAfter.nanos(), LONGEST_PAUSE_NANOS));
        }
    }

    /** @param urls as they are configured now */
    synchronized List<State> states(List<URI> urls) {
        follow(urls);
        long now = nanoTime.getAsLong();
        return configured.stream()
            .map(address -> new State(address.url.toString(), address.underWay, address.failures, address.isOut(now)))
            .toList();
    }

    private void follow(List<URI> urls) {
        configured = urls.stream().distinct().map(url -> addresses.computeIfAbsent(url, Address::new)).toList();
        addresses.values().removeIf(address -> address.underWay == 0 && configured.contains(address) == false);
    }

    private static long pause(int failures) {
        return Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(failures - 1, 5));
    }
}
