package org.ingestface;

import static org.elasticsearch.common.settings.Setting.Property.Dynamic;
import static org.elasticsearch.common.settings.Setting.Property.NodeScope;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.SecureSetting;
import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Setting.AffixSetting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;

/**
 * The endpoints that this node's settings name. A pipeline or a query gives only a name, so whoever writes one cannot point the node
 * at a server of their choice.
 *
 * <p>Each change of a setting or a reload of the keystore builds a new immutable map; a reader sees the old one or the new one.
 */
final class FaceEndpoints {

    private static final String PREFIX = "face.endpoint.";

    /** {@code face.endpoint.<name>.urls}: base URLs of equal copies of the service, used in turn. None: not configured. */
    static final AffixSetting<List<URI>> URLS = Setting.affixKeySetting(
        PREFIX,
        "urls",
        key -> Setting.listSetting(key, List.of(), value -> parseUrl(key, value), NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.timeout}: see {@link Endpoint#timeout()}. */
    static final AffixSetting<TimeValue> TIMEOUT = Setting.affixKeySetting(
        PREFIX,
        "timeout",
        key -> Setting.timeSetting(key, TimeValue.timeValueSeconds(30), TimeValue.timeValueMillis(1), NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.connect_timeout}: so that one dead host among several does not use up the time of the whole request. */
    static final AffixSetting<TimeValue> CONNECT_TIMEOUT = Setting.affixKeySetting(
        PREFIX,
        "connect_timeout",
        key -> Setting.timeSetting(key, TimeValue.timeValueSeconds(5), TimeValue.timeValueMillis(1), NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.ssl.certificate_authorities}: PEM files below the config folder. None: those that Java trusts. */
    static final AffixSetting<List<String>> CERTIFICATE_AUTHORITIES = Setting.affixKeySetting(
        PREFIX,
        "ssl.certificate_authorities",
        key -> Setting.stringListSetting(key, NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.api_key}: lives in the keystore, read again by {@code POST _nodes/reload_secure_settings}. */
    static final AffixSetting<SecureString> API_KEY = Setting.affixKeySetting(
        PREFIX,
        "api_key",
        key -> SecureSetting.secureString(key, null)
    );

    private Settings settings;
    private Map<String, SecureString> apiKeys;
    private int generation;
    private volatile Map<String, Endpoint> endpoints;
    private volatile Batching batching;

    /** @param settings the node's, with the keystore still open */
    FaceEndpoints(Settings settings) {
        this.settings = settings;
        this.apiKeys = readApiKeys(settings);
        rebuild();
    }

    static List<Setting<?>> settings() {
        List<Setting<?>> settings = new ArrayList<>(Batching.SETTINGS);
        settings.addAll(List.of(URLS, TIMEOUT, CONNECT_TIMEOUT, CERTIFICATE_AUTHORITIES, API_KEY));
        return settings;
    }

    /** Follows {@code PUT _cluster/settings}. */
    void watch(ClusterSettings clusterSettings) {
        List<Setting<?>> dynamic = settings().stream().filter(Setting::isDynamic).toList();
        clusterSettings.addSettingsUpdateConsumer(this::changeSettings, dynamic);
    }

    synchronized void changeSettings(Settings changed) {
        settings = changed;
        rebuild();
    }

    /**
     * Reads the keys anew, and lets the files of certificate authorities be read anew.
     *
     * @param keystore settings whose keystore is open; its other settings are those of the node's start and are not looked at
     */
    synchronized void reloadSecrets(Settings keystore) {
        apiKeys = readApiKeys(keystore);
        generation++;
        rebuild();
    }

    /** Null when no URL is set for this name. */
    @Nullable
    Endpoint get(String name) {
        return endpoints.get(name);
    }

    /** Those that have a URL, by name, as they are now. */
    Map<String, Endpoint> all() {
        return endpoints;
    }

    EndpointFault notConfigured(String name) {
        return EndpointFault.notConfigured(name, endpoints.keySet());
    }

    Batching batching() {
        return batching;
    }

    private void rebuild() {
        Map<String, Endpoint> rebuilt = new TreeMap<>();
        URLS.getAsMap(settings).forEach((name, urls) -> {
            if (urls.isEmpty() == false) {
                TimeValue timeout = TIMEOUT.getConcreteSettingForNamespace(name).get(settings);
                Endpoint.Connecting connecting = new Endpoint.Connecting(
                    CONNECT_TIMEOUT.getConcreteSettingForNamespace(name).get(settings),
                    CERTIFICATE_AUTHORITIES.getConcreteSettingForNamespace(name).get(settings),
                    generation
                );
                rebuilt.put(name, new Endpoint(name, urls, timeout, connecting, apiKeys.get(name)));
            }
        });
        endpoints = Collections.unmodifiableMap(rebuilt);
        batching = Batching.read(settings);
    }

    private static Map<String, SecureString> readApiKeys(Settings keystore) {
        Map<String, SecureString> keys = new HashMap<>();
        API_KEY.getAsMap(keystore).forEach((name, key) -> {
            // Checked here, because the HTTP client would quote the key in its complaint.
            if (key.chars().allMatch(character -> character > ' ' && character < 127) == false) {
                String setting = API_KEY.getConcreteSettingForNamespace(name).getKey();
                throw new IllegalArgumentException("[" + setting + "] has a space or a character that is not ASCII");
            }
            // Cloned, because Elasticsearch closes the keystore, and with it the string, after the node's start.
            keys.put(name, key.clone());
        });
        return keys;
    }

    /** @throws IllegalArgumentException that names the setting and the reason; a URL with user info is not repeated in it */
    static URI parseUrl(String setting, String value) {
        URI url;
        try {
            url = new URI(value.strip());
        } catch (URISyntaxException e) {
            throw invalidUrl(setting, value, "it is not a URL");
        }
        if ("http".equalsIgnoreCase(url.getScheme()) == false && "https".equalsIgnoreCase(url.getScheme()) == false) {
            throw invalidUrl(setting, value, "its scheme is not [http] or [https]");
        }
        if (url.getHost() == null) {
            throw invalidUrl(setting, value, "it has no host");
        }
        if (url.getPort() == 0 || url.getPort() > 65_535) {
            throw invalidUrl(setting, value, "its port is not between [1] and [65535]");
        }
        if (url.getRawUserInfo() != null) {
            throw invalidUrl(setting, value, "it has user info; put a key into the keystore as [face.endpoint.<name>.api_key]");
        }
        if (url.getRawQuery() != null || url.getRawFragment() != null) {
            throw invalidUrl(setting, value, "it has a query or a fragment");
        }
        return url;
    }

    private static IllegalArgumentException invalidUrl(String setting, String value, String reason) {
        String shown = value.contains("@") ? "" : " [" + value + "]";
        return new IllegalArgumentException(
            "failed to parse value" + shown + " for setting [" + setting + "]: " + reason + "; a base URL is like [http://127.0.0.1:8501]"
        );
    }
}
