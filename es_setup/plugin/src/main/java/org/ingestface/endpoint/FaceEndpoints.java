package org.ingestface.endpoint;

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

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.SecureSetting;
import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Setting.AffixSetting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;

/**
 * The endpoints in this node's settings. A pipeline or a query gives only an endpoint's name, so its author cannot make the node connect
 * to any other server. Whoever may change the cluster's settings can choose only among {@link AllowedHosts}, and a key is sent in clear
 * to this machine only.
 *
 * <p>Each change of a setting and each reload of the keystore builds a new immutable map, so a reader sees either the old or the new one.
 */
public final class FaceEndpoints {

    private static final String PREFIX = "face.endpoint.";

    /** {@code face.endpoint.<name>.urls}: base URLs of the service's copies. If empty, the endpoint is not configured. */
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

    /** {@code face.endpoint.<name>.connect_timeout}: short, so that one dead host leaves time to try another. */
    static final AffixSetting<TimeValue> CONNECT_TIMEOUT = Setting.affixKeySetting(
        PREFIX,
        "connect_timeout",
        key -> Setting.timeSetting(key, TimeValue.timeValueSeconds(5), TimeValue.timeValueMillis(1), NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.ssl.certificate_authorities}: see {@link Endpoint.ConnectionSettings}. */
    static final AffixSetting<List<String>> CERTIFICATE_AUTHORITIES = Setting.affixKeySetting(
        PREFIX,
        "ssl.certificate_authorities",
        key -> Setting.stringListSetting(key, NodeScope, Dynamic)
    );

    /** {@code face.endpoint.<name>.api_key}: in the keystore, read again by {@code POST _nodes/reload_secure_settings}. */
    static final AffixSetting<SecureString> API_KEY = Setting.affixKeySetting(
        PREFIX,
        "api_key",
        key -> SecureSetting.secureString(key, null)
    );

    private static final Logger logger = LogManager.getLogger(FaceEndpoints.class);

    private final AllowedHosts allowedHosts;
    private Settings settings;
    private Map<String, SecureString> apiKeys;
    private int generation;
    private volatile Map<String, Endpoint> endpoints;
    /** Those that are configured in a way that would send a key or photos where they must not go, by name. */
    private volatile Map<String, EndpointFault> refused = Map.of();
    private volatile BatchSettings batchSettings;

    /** @param settings of the node, with its keystore still open */
    public FaceEndpoints(Settings settings) {
        this.allowedHosts = new AllowedHosts(settings, URLS.getAsMap(settings));
        this.settings = settings;
        this.apiKeys = readApiKeys(settings);
        rebuild();
    }

    public static List<Setting<?>> settings() {
        List<Setting<?>> settings = new ArrayList<>(BatchSettings.SETTINGS);
        settings.addAll(List.of(AllowedHosts.SETTING, URLS, TIMEOUT, CONNECT_TIMEOUT, CERTIFICATE_AUTHORITIES, API_KEY));
        return settings;
    }

    /** Applies later changes by {@code PUT _cluster/settings}. */
    public void watch(ClusterSettings clusterSettings) {
        List<Setting<?>> dynamic = settings().stream().filter(Setting::isDynamic).toList();
        clusterSettings.addSettingsUpdateConsumer(this::changeSettings, dynamic);
    }

    synchronized void changeSettings(Settings changed) {
        settings = changed;
        rebuild();
    }

    /**
     * Reads the keys again, and makes the files of certificate authorities be read again.
     *
     * @param keystore settings with an open keystore; the other settings in it are those of the node's start and are ignored
     */
    public synchronized void reloadSecrets(Settings keystore) {
        apiKeys = readApiKeys(keystore);
        generation++;
        rebuild();
    }

    /** The endpoint of this name; null if it cannot be used. */
    @Nullable
    Endpoint get(String name) {
        return endpoints.get(name);
    }

    /** The endpoints that can be used, by name. */
    Map<String, Endpoint> all() {
        return endpoints;
    }

    /** Why those that are configured but cannot be used are refused, by name. */
    Map<String, EndpointFault> refused() {
        return refused;
    }

    /** Why an endpoint cannot be used: it is not configured, or refused. */
    EndpointFault unusable(String name) {
        EndpointFault fault = refused.get(name);
        return fault == null ? EndpointFault.notConfigured(name, endpoints.keySet()) : fault;
    }

    /** Why endpoints of these settings would be refused; empty if none would be. */
    List<EndpointFault> faultsOf(List<Settings> changes) {
        List<EndpointFault> faults = new ArrayList<>();
        for (Settings change : changes) {
            URLS.getAsMap(change).forEach((name, urls) -> {
                EndpointFault fault = faultOf(name, urls);
                if (fault != null) {
                    faults.add(fault);
                }
            });
        }
        return faults;
    }

    @Nullable
    private synchronized EndpointFault faultOf(String name, List<URI> urls) {
        for (URI url : urls) {
            if (allowedHosts.contain(url) == false) {
                return EndpointFault.hostNotAllowed(name, url);
            }
            if (apiKeys.containsKey(name) && "https".equalsIgnoreCase(url.getScheme()) == false && AllowedHosts.isLoopback(url) == false) {
                return EndpointFault.keyInClear(name, url);
            }
        }
        return null;
    }

    BatchSettings batchSettings() {
        return batchSettings;
    }

    private void rebuild() {
        Map<String, Endpoint> rebuilt = new TreeMap<>();
        Map<String, EndpointFault> faults = new TreeMap<>();
        URLS.getAsMap(settings).forEach((name, urls) -> {
            EndpointFault fault = faultOf(name, urls);
            if (fault != null) {
                faults.put(name, fault);
            } else if (urls.isEmpty() == false) {
                TimeValue timeout = TIMEOUT.getConcreteSettingForNamespace(name).get(settings);
                Endpoint.ConnectionSettings connection = new Endpoint.ConnectionSettings(
                    CONNECT_TIMEOUT.getConcreteSettingForNamespace(name).get(settings),
                    CERTIFICATE_AUTHORITIES.getConcreteSettingForNamespace(name).get(settings),
                    generation
                );
                rebuilt.put(name, new Endpoint(name, urls, timeout, connection, apiKeys.get(name)));
            }
        });
        faults.forEach((name, fault) -> {
            if (fault.equals(refused.get(name)) == false) {
                logger.warn(fault.message());
            }
        });
        endpoints = Collections.unmodifiableMap(rebuilt);
        refused = Collections.unmodifiableMap(faults);
        batchSettings = BatchSettings.read(settings);
    }

    private static Map<String, SecureString> readApiKeys(Settings keystore) {
        Map<String, SecureString> keys = new HashMap<>();
        API_KEY.getAsMap(keystore).forEach((name, key) -> {
            // Checked here, because the HTTP client's error message would contain the key.
            if (key.chars().allMatch(character -> character > ' ' && character < 127) == false) {
                String setting = API_KEY.getConcreteSettingForNamespace(name).getKey();
                throw new IllegalArgumentException("[" + setting + "] has a space or a character that is not ASCII");
            }
            // Cloned, because Elasticsearch closes the keystore and its strings after the node's start.
            keys.put(name, key.clone());
        });
        return keys;
    }

    /** @throws IllegalArgumentException with the setting and the reason, and with the value unless it may contain a password */
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
