package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.List;

import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.core.TimeValue;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FaceEndpointsTests {

    @ParameterizedTest
    @ValueSource(strings = { "http://127.0.0.1:8501", "https://faces.example/", "http://h/some/path", "HTTP://h", "http://[::1]:80" })
    void baseUrlsAreHttpOrHttps(String url) {
        assertEquals(URI.create(url), FaceEndpoints.parseUrl("s", url));
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            ftp://h          | scheme
            127.0.0.1:8501   | not a URL
            localhost:8501   | scheme
            h                | scheme
            http:///path     | no host
            http:8501        | no host
            http://h:0       | [1] and [65535]
            http://h:65536   | [1] and [65535]
            http://h/?a=b    | query or a fragment
            http://h/#a      | query or a fragment
            http://a b       | not a URL
            """
    )
    void otherUrlsAreRefusedWithTheSettingTheValueAndTheReason(String url, String reason) {
        String message = assertThrows(IllegalArgumentException.class, () -> FaceEndpoints.parseUrl("face.endpoint.a.urls", url)).getMessage();
        assertEquals(List.of(url, "face.endpoint.a.urls"), Facts.of(message).subList(0, 2));
        assertTrue(message.contains(reason), message);
    }

    @Test
    void aPasswordInAUrlIsRefusedWithoutQuotingIt() {
        String message = assertThrows(IllegalArgumentException.class, () -> FaceEndpoints.parseUrl("s", "http://me:s3cret@h")).getMessage();
        assertFalse(message.contains("s3cret"), message);
    }

    @Test
    void theErrorOfAnUnknownEndpointSaysWhatToSetAndWhichAreConfigured() {
        FaceEndpoints endpoints = new FaceEndpoints(
            Settings.builder().putList("face.endpoint.b.urls", "http://h").putList("face.endpoint.a.urls", "http://h").build()
        );
        assertEquals(List.of("x", "face.endpoint.x.urls", "a, b"), Facts.of(endpoints.unusable("x").message()));
    }

    @Test
    void aChangeOfTheSettingsAppliesAtOnce() {
        FaceEndpoints endpoints = new FaceEndpoints(Settings.builder().putList("face.endpoint.allowed_hosts", "h").build());
        endpoints.changeSettings(
            Settings.builder().putList("face.endpoint.a.urls", "http://h:1", "http://h:2").put("face.endpoint.a.timeout", "2s").build()
        );
        assertEquals(List.of(URI.create("http://h:1"), URI.create("http://h:2")), endpoints.get("a").urls());
        assertEquals(TimeValue.timeValueSeconds(2), endpoints.get("a").timeout());
        endpoints.changeSettings(Settings.EMPTY);
        assertNull(endpoints.get("a"));
    }

    @Test
    void theDefaultTimeoutIs30SecondsAndAnEndpointWithoutUrlsIsNotConfigured() {
        FaceEndpoints endpoints = new FaceEndpoints(
            Settings.builder().putList("face.endpoint.a.urls", "http://h").putList("face.endpoint.b.urls", List.of()).build()
        );
        assertEquals(TimeValue.timeValueSeconds(30), endpoints.get("a").timeout());
        assertNull(endpoints.get("b"));
    }

    @Test
    void theDefaultBatchHas16PhotosAndLingers5Milliseconds() {
        FaceEndpoints endpoints = new FaceEndpoints(Settings.EMPTY);
        assertEquals(16, endpoints.batchSettings().size());
        assertEquals(TimeValue.timeValueMillis(5), endpoints.batchSettings().linger());
        endpoints.changeSettings(Settings.builder().put("face.batch.size", 4).put("face.batch.in_flight", 1).build());
        assertEquals(4, endpoints.batchSettings().size());
        assertEquals(1, endpoints.batchSettings().inFlight());
    }

    @Test
    void allSettingsButTheKeyAndTheHostsAreDynamic() {
        List<String> fixed = FaceEndpoints.settings().stream().filter(setting -> setting.isDynamic() == false).map(Setting::getKey).toList();
        assertEquals(List.of("face.endpoint.allowed_hosts", "face.endpoint.*.api_key"), fixed);
    }
}
