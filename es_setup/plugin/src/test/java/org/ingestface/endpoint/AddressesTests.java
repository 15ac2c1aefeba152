package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.core.TimeValue;
import org.junit.jupiter.api.Test;

class AddressesTests {

    private static final URI A = URI.create("http://a");
    private static final URI B = URI.create("http://b");
    private static final List<URI> BOTH = List.of(A, B);

    private long now = Long.MAX_VALUE - 5; // nanoTime may overflow
    private final Addresses addresses = new Addresses(() -> now);

    private URI send() {
        URI url = addresses.pick(BOTH, null);
        addresses.done(url);
        return url;
    }

    private void advance(String time) {
        now += TimeValue.parseTimeValue(time, "time").nanos();
    }

    @Test
    void requestsGoToTheLeastBusyAddressAndOtherwiseInTurn() {
        Map<URI, Integer> counts = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            counts.merge(send(), 1, Integer::sum);
        }
        assertEquals(Map.of(A, 3, B, 3), counts);
        URI first = addresses.pick(BOTH, null);
        assertNotEquals(first, addresses.pick(BOTH, null));
        addresses.done(first);
        assertEquals(first, addresses.pick(BOTH, null));
    }

    @Test
    void anAddressThatFailedIsTakenOutAndThenTriedByOneRequestAtATime() {
        send();
        addresses.failed(A);
        for (int i = 0; i < 4; i++) {
            assertEquals(B, send());
        }
        advance("1s");
        List<URI> next = List.of(send(), send(), send());
        assertEquals(1, next.stream().filter(A::equals).count(), next.toString());
        addresses.failed(A);
        advance("1s");
        assertEquals(List.of(B, B, B), List.of(send(), send(), send()), "the second pause is longer");
        advance("1s");
        assertTrue(List.of(send(), send()).contains(A));
        addresses.succeeded(A);
        assertTrue(List.of(send(), send()).contains(A));
    }

    @Test
    void ifAllAreOutTheOneWhosePauseEndsFirstIsUsed() {
        send();
        addresses.failed(A);
        advance("100ms");
        addresses.failed(B);
        assertEquals(A, send());
        assertFalse(addresses.isOtherAvailable(A));
    }

    @Test
    void aFailedRequestIsRetriedElsewhereIfPossible() {
        assertEquals(B, addresses.pick(BOTH, A));
        assertEquals(B, addresses.pick(BOTH, A), "even if that is busier");
        assertEquals(A, addresses.pick(List.of(A), A));
    }

    @Test
    void anOverloadedAddressIsPausedForAsLongAsItAsks() {
        send();
        addresses.overloaded(A, TimeValue.timeValueSeconds(3));
        assertTrue(addresses.isOtherAvailable(A));
        advance("2s");
        assertEquals(List.of(B, B), List.of(send(), send()));
        advance("1s");
        assertTrue(List.of(send(), send()).contains(A));
    }

    @Test
    void requestsInProgressAreStillCountedIfTheirAddressIsRemovedFromTheSettingForAWhile() {
        addresses.pick(List.of(A), null);
        addresses.pick(List.of(A), null);
        addresses.states(List.of(B));
        addresses.done(A);
        assertEquals(1, addresses.states(List.of(A)).get(0).inFlight());
        addresses.done(A);
        assertEquals(0, addresses.states(List.of(A)).get(0).inFlight());
        addresses.pick(List.of(A), null);
        addresses.states(List.of(B));
        addresses.done(A);
        assertEquals(0, addresses.states(List.of(A)).get(0).inFlight());
    }

    @Test
    void theStateOfAnAddressSurvivesAChangeOfTheSetting() {
        send();
        addresses.failed(A);
        URI c = URI.create("http://c");
        for (int i = 0; i < 3; i++) {
            URI url = addresses.pick(List.of(c, A), null);
            addresses.done(url);
            assertEquals(c, url);
        }
        assertEquals(List.of("http://c", "http://a"), addresses.states(List.of(c, A)).stream().map(Addresses.State::url).toList());
    }

    @Test
    void anAddressThatWasRemovedForAWhileHasNoRequestsInProgressLeft() {
        assertEquals(A, addresses.pick(BOTH, null));
        addresses.states(List.of(B));
        addresses.states(BOTH);
        addresses.done(A);
        assertEquals(List.of(0, 0), addresses.states(BOTH).stream().map(Addresses.State::inFlight).toList());
    }
}
