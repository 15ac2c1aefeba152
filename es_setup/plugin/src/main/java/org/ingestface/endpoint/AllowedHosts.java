package org.ingestface.endpoint;

import static org.elasticsearch.common.settings.Setting.Property.NodeScope;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.elasticsearch.common.network.InetAddresses;
import org.elasticsearch.common.regex.Regex;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;

/**
 * The hosts that endpoints may name. Fixed when the node starts, so that whoever may change the cluster's settings cannot have photos and
 * keys sent elsewhere.
 */
final class AllowedHosts {

    /** Each is {@code host} or {@code host:port}, and may have wildcards: {@code faces-*.example.org:8501}, {@code [::1]:8501}. */
    static final Setting<List<String>> SETTING = Setting.listSetting(
        "face.endpoint.allowed_hosts",
        List.of(),
        AllowedHosts::parse,
        NodeScope
    );

    private static final Pattern HOST = Pattern.compile("(\\[[^\\]]+\\]|[^\\[\\]:/@\\s]+)(?::([0-9*]+))?");

    private final List<String> patterns;
    private final boolean isLoopbackAllowed;

    /**
     * @param own   the node's settings at its start. The hosts of their endpoints are always allowed, and loopback is where
     *              {@link #SETTING} is not set
     * @param urls  of the endpoints of {@code own}
     */
    AllowedHosts(Settings own, Map<String, List<URI>> urls) {
        patterns = new ArrayList<>(SETTING.get(own));
        urls.values().forEach(ofEndpoint -> ofEndpoint.forEach(url -> patterns.add(hostAndPort(url))));
        isLoopbackAllowed = SETTING.exists(own) == false;
    }

    boolean contain(URI url) {
        String host = hostAndPort(url);
        return isLoopbackAllowed && isLoopback(url) || patterns.stream().anyMatch(pattern -> Regex.simpleMatch(pattern, host));
    }

    /** Whether what is sent there stays on this machine. */
    static boolean isLoopback(URI url) {
        String host = canonical(url.getHost());
        String address = host.replaceAll("[\\[\\]]", "");
        return host.equals("localhost") || InetAddresses.isInetAddress(address) && InetAddresses.forString(address).isLoopbackAddress();
    }

    private static String hostAndPort(URI url) {
        String host = Endpoint.hostAndPort(url);
        int colon = host.lastIndexOf(':');
        return canonical(host.substring(0, colon)) + host.substring(colon);
    }

    /** In lower case, without the dot that ends a full name, and with one spelling of an address. */
    private static String canonical(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        if (lower.startsWith("[")) {
            String address = lower.substring(1, lower.length() - 1);
            return InetAddresses.isInetAddress(address) ? "[" + InetAddresses.toAddrString(InetAddresses.forString(address)) + "]" : lower;
        }
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private static String parse(String value) {
        Matcher matcher = HOST.matcher(value.strip());
        if (matcher.matches() == false) {
            throw new IllegalArgumentException(
                "failed to parse value [" + value + "] for setting [face.endpoint.allowed_hosts]: it is not a host such as [127.0.0.1:8501], "
                    + "[faces-*.example.org] or [[::1]:8501]"
            );
        }
        return canonical(matcher.group(1)) + ":" + (matcher.group(2) == null ? "*" : matcher.group(2));
    }
}
