package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.util.List;

import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.core.TimeValue;
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
            ftp://h          | its scheme is not [http] or [https]
            127.0.0.1:8501   | it is not a URL
            localhost:8501   | its scheme is not [http] or [https]
            h                | its scheme is not [http] or [https]
            http:///path     | it has no host
            http:8501        | it has no host
            http://h:0       | its port is not between [1] and [65535]
            http://h:65536   | its port is not between [1] and [65535]
            http://h/?a=b    | it has a query or a fragment
            http://h/#a      | it has a query or a fragment
            http://a b       | it is not a URL
            """
    )
    void otherUrlsAreRefusedWithTheSettingTheValueAndTheReason(String url, String reason) {
        String message = assertThrows(IllegalArgumentException.class, () -> FaceEndpoints.parseUrl("face.endpoint.a.urls", url)).getMessage();
        assertEquals(
            "failed to parse value [" + url + "] for setting [face.endpoint.a.urls]: " + reason + "; a base URL is like [http://127.0.0.1:8501]",
            message
        );
    }

    @Test
    void aPasswordInAUrlIsRefusedWithoutBeingRepeated() {
        String message = assertThrows(IllegalArgumentException.class, () -> FaceEndpoints.parseUrl("s", "http://me:s3cret@h")).getMessage();
        assertFalse(message.contains("s3cret"), message);
    }

    @Test
    void anUnknownEndpointsErrorSaysWhatToSetAndWhichThereAre() {
        FaceEndpoints endpoints = new FaceEndpoints(
            Settings.builder().putList("face.endpoint.b.urls", "http://h").putList("face.endpoint.a.urls", "http://h").build()
        );
        assertEquals(
            "endpoint [x] is not configured; set [face.endpoint.x.urls] in elasticsearch.yml or by PUT _cluster/settings "
                + "(configured are [a, b])",
            endpoints.notConfigured("x").message()
        );
    }

    @Test
    void aChangeOfTheSettingsIsSeenAtOnce() {
        FaceEndpoints endpoints = new FaceEndpoints(Settings.EMPTY);
        endpoints.changeSettings(
            Settings.builder().putList("face.endpoint.a.urls", "http://h:1", "http://h:2").put("face.endpoint.a.timeout", "2s").build()
        );
        assertEquals(List.of(URI.create("http://h:1"), URI.create("http://h:2")), endpoints.get("a").urls());
        assertEquals(TimeValue.timeValueSeconds(2), endpoints.get("a").timeout());
        endpoints.changeSettings(Settings.EMPTY);
        assertNull(endpoints.get("a"));
    }

    @Test
    void theTimeoutIsHalfAMinuteUnlessSetAndNoUrlsMeanNotConfigured() {
        FaceEndpoints endpoints = new FaceEndpoints(
            Settings.builder().putList("face.endpoint.a.urls", "http://h").putList("face.endpoint.b.urls", List.of()).build()
        );
        assertEquals(TimeValue.timeValueSeconds(30), endpoints.get("a").timeout());
        assertNull(endpoints.get("b"));
    }

    @Test
    void photosLeaveBySixteenAfterFiveMillisecondsUnlessSetOtherwise() {
        FaceEndpoints endpoints = new FaceEndpoints(Settings.EMPTY);
        assertEquals(16, endpoints.batching().size());
        assertEquals(TimeValue.timeValueMillis(5), endpoints.batching().linger());
        endpoints.changeSettings(Settings.builder().put("face.batch.size", 4).put("face.batch.in_flight", 1).build());
        assertEquals(4, endpoints.batching().size());
        assertEquals(1, endpoints.batching().inFlight());
    }

    @Test
    void allSettingsButTheKeyCanBeChangedWhileTheNodeRuns() {
        List<String> fixed = FaceEndpoints.settings().stream().filter(setting -> setting.isDynamic() == false).map(Setting::getKey).toList();
        assertEquals(List.of("face.endpoint.*.api_key"), fixed);
    }
}
