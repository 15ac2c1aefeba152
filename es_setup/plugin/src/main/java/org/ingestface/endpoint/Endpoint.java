package org.ingestface.endpoint;

import java.net.URI;
import java.util.List;
import java.util.Objects;

import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;

/**
 * One configured inference service: its name, the base URLs of its copies, its time-outs and its key.
 *
 * <p>Not a record, because a record's {@code toString} would print the key.
 */
final class Endpoint {

    /**
     * How to connect.
     *
     * @param connectTimeout         for establishing a connection
     * @param certificateAuthorities PEM files below the config folder; if empty, the authorities that Java trusts
     * @param generation             number of reloads; each makes the files be read again
     */
    record ConnectionSettings(TimeValue connectTimeout, List<String> certificateAuthorities, int generation) {}

    private final String name;
    private final List<URI> urls;
    private final TimeValue timeout;
    private final ConnectionSettings connection;
    private final SecureString apiKey;

    /**
     * @param urls   at least one validated http or https base URL
     * @param apiKey sent as {@code Authorization: Bearer}; null if the service needs none
     */
    Endpoint(String name, List<URI> urls, TimeValue timeout, ConnectionSettings connection, @Nullable SecureString apiKey) {
        this.name = Objects.requireNonNull(name);
        this.urls = List.copyOf(urls);
        this.timeout = Objects.requireNonNull(timeout);
        this.connection = Objects.requireNonNull(connection);
        this.apiKey = apiKey;
    }

    List<URI> urls() {
        return urls;
    }

    /** Limits the wait in the queue and, separately, the wait for the complete answer, all attempts together. */
    TimeValue timeout() {
        return timeout;
    }

    ConnectionSettings connection() {
        return connection;
    }

    @Nullable
    SecureString apiKey() {
        return apiKey;
    }

    /** {@code host:port} of a URL, with the default port filled in: the part that messages may show. */
    static String hostAndPort(URI url) {
        int defaultPort = "https".equalsIgnoreCase(url.getScheme()) ? 443 : 80;
        return url.getHost() + ":" + (url.getPort() == -1 ? defaultPort : url.getPort());
    }

    @Override
    public String toString() {
        return "Endpoint[" + name + "]";
    }
}
