package org.ingestface;

import java.net.URI;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;

/**
 * One configured inference service: a name, the base URLs of its equal copies, how long an answer may take and the key to send.
 *
 * <p>A class and not a record, because a record's {@code toString} would print the key.
 */
final class Endpoint {

    /**
     * What a connection is made with.
     *
     * @param connectTimeout         how long a connection may take to come about
     * @param certificateAuthorities PEM files below the config folder; empty: those that Java trusts
     * @param generation             counts the reloads after which the files are read again
     */
    record Connecting(TimeValue connectTimeout, List<String> certificateAuthorities, int generation) {}

    private final String name;
    private final List<URI> urls;
    private final TimeValue timeout;
    private final Connecting connecting;
    private final SecureString apiKey;

    /**
     * @param urls   at least one validated http or https base URL
     * @param apiKey sent as {@code Authorization: Bearer}; null when the service asks for none
     */
    Endpoint(String name, List<URI> urls, TimeValue timeout, Connecting connecting, @Nullable SecureString apiKey) {
        this.name = Objects.requireNonNull(name);
        this.urls = List.copyOf(urls);
        this.timeout = Objects.requireNonNull(timeout);
        this.connecting = Objects.requireNonNull(connecting);
        this.apiKey = apiKey;
    }

    String name() {
        return name;
    }

    List<URI> urls() {
        return urls;
    }

    /** Bounds both the wait in the queue and, anew, the wait for the complete answer, all attempts together. */
    TimeValue timeout() {
        return timeout;
    }

    Connecting connecting() {
        return connecting;
    }

    @Nullable
    SecureString apiKey() {
        return apiKey;
    }

    /** {@code host:port} of a URL, the default port of its scheme spelled out: the part that messages may show. */
    static String hostAndPort(URI url) {
        int defaultPort = "https".equalsIgnoreCase(url.getScheme()) ? 443 : 80;
        return url.getHost() + ":" + (url.getPort() == -1 ? defaultPort : url.getPort());
    }

    @Override
    public String toString() {
        return "Endpoint[" + name + "]";
    }
}
