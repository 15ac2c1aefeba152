package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.common.settings.SecureSettings;
import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.common.settings.Settings;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AllowedHostsTests {

    private static final String ALLOWED = "face.endpoint.allowed_hosts";
    private static final String URLS = "face.endpoint.a.urls";

    private static boolean isAllowed(Settings own, String url) {
        return new AllowedHosts(own, FaceEndpoints.URLS.getAsMap(own)).contain(FaceEndpoints.parseUrl("s", url));
    }

    private static Settings allowed(String... hosts) {
        return Settings.builder().putList(ALLOWED, hosts).build();
    }

    /** A keystore with the key of the endpoint [a]. */
    private record Keystore() implements SecureSettings {

        @Override
        public boolean isLoaded() {
            return true;
        }

        @Override
        public Set<String> getSettingNames() {
            return Set.of("face.endpoint.a.api_key");
        }

        @Override
        public SecureString getString(String setting) {
            return new SecureString("the-key".toCharArray());
        }

        @Override
        public InputStream getFile(String setting) {
            throw new AssertionError(setting);
        }

        @Override
        public byte[] getSHA256Digest(String setting) {
            return new byte[32];
        }

        @Override
        public void close() {}

        @Override
        public void writeTo(StreamOutput out) {
            throw new AssertionError();
        }
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            faces.example:8501   | http://faces.example:8501     | true
            faces.example:8501   | http://FACES.example:8501/sub | true
            Faces.Example.:8501  | http://faces.example.:8501    | true
            faces.example:8501   | http://faces.example:8502     | false
            faces.example:8501   | http://faces.example          | false
            faces.example:80     | http://faces.example          | true
            faces.example:443    | https://faces.example         | true
            faces.example        | http://faces.example:1        | true
            faces.example        | http://faces.example.evil:1   | false
            faces.example        | http://evil-faces.example     | false
            faces-*.example:*    | https://faces-2.example:8501  | true
            faces-*.example:*    | https://faces.example:8501    | false
            [::1]:8501           | http://[0:0:0:0:0:0:0:1]:8501 | true
            10.0.0.7             | http://10.0.0.70              | false
            10.0.0.7:8501        | http://127.0.0.1:8501         | false
            10.0.0.7:8501        | http://localhost:8501         | false
            """
    )
    void aHostIsComparedWithItsPortInOneSpelling(String pattern, String url, boolean expected) {
        assertEquals(expected, isAllowed(allowed(pattern), url));
    }

    @Test
    void withoutTheSettingTheNodesOwnHostsAndLoopbackAreAllowed() {
        Settings own = Settings.builder().putList(URLS, "https://faces.example:8501").build();
        assertTrue(isAllowed(own, "http://faces.example:8501"));
        assertTrue(isAllowed(own, "http://127.0.0.1:9"));
        assertTrue(isAllowed(Settings.EMPTY, "http://[::1]:9"));
        assertEquals(false, isAllowed(own, "https://faces.example:8502"));
        assertEquals(false, isAllowed(Settings.EMPTY, "http://10.0.0.7:8501"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "http://localhost", "http://LOCALHOST.:1", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]" })
    void loopbackIsThisMachine(String url) {
        assertTrue(AllowedHosts.isLoopback(URI.create(url)));
    }

    @ParameterizedTest
    @ValueSource(
        strings = { "http://localhost.example", "http://127.0.0.1.example", "http://10.0.0.1", "http://0.0.0.0", "http://[::]", "http://2130706433" }
    )
    void nothingElseIs(String url) {
        assertEquals(false, AllowedHosts.isLoopback(URI.create(url)));
    }

    @ParameterizedTest
    @ValueSource(strings = { "http://0x7f.1", "http://127.1", "http://me@127.0.0.1", "http://a.example\\@evil" })
    void anAddressInDisguiseIsNoUrlOfAService(String url) {
        assertThrows(IllegalArgumentException.class, () -> FaceEndpoints.parseUrl("s", url));
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "http://h", "h/path", "me@h", "h:port", "::1" })
    void aValueThatIsNoHostIsRefusedAtTheStart(String value) {
        assertThrows(IllegalArgumentException.class, () -> AllowedHosts.SETTING.get(allowed(value)));
    }

    @Test
    void anEndpointOfAnotherHostIsRefusedAndCannotBeUsedWhereverItCameFrom() {
        FaceEndpoints endpoints = new FaceEndpoints(Settings.EMPTY);
        Settings elsewhere = Settings.builder().putList(URLS, "http://127.0.0.1:1", "http://evil.example:8501").build();
        EndpointFault fault = endpoints.faultsOf(List.of(Settings.EMPTY, elsewhere)).get(0);
        assertEquals(List.of("a", URLS, "evil.example:8501", ALLOWED, URLS, ALLOWED), Facts.of(fault.message()));
        endpoints.changeSettings(elsewhere);
        assertNull(endpoints.get("a"));
        assertEquals(fault, endpoints.unusable("a"));
        endpoints.changeSettings(Settings.EMPTY);
        assertEquals("not_configured", endpoints.unusable("a").code());
    }

    @ParameterizedTest
    @CsvSource({ "http://faces.example, key_in_clear", "https://faces.example,", "http://127.0.0.1:1,", "http://localhost:1," })
    void aKeyIsNeverSentInClearBeyondThisMachine(String url, String code) {
        Settings settings = Settings.builder().putList(URLS, url).build();
        FaceEndpoints without = new FaceEndpoints(settings);
        assertNotNull(without.get("a"));
        FaceEndpoints with = new FaceEndpoints(Settings.builder().put(settings).setSecureSettings(new Keystore()).build());
        assertEquals(code == null, with.get("a") != null);
        if (code != null) {
            assertEquals(code, with.unusable("a").code());
            assertEquals(Map.of("a", with.unusable("a")), with.refused());
        }
    }
}
