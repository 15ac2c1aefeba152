package org.ingestface;

import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Collection;

import javax.net.ssl.SSLException;

import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;

/**
 * Says that the endpoint, not the photo, is why there is no answer. Every such message stands in this file; it names the endpoint, the
 * host, the reason and what to do about it, and carries no part of a request or an answer except the service's own error message.
 *
 * <p>All are {@link EsRejectedExecutionException}s and so answered with status 429, the one status that clients can be told to retry.
 * Not a subclass of it: between nodes Elasticsearch keeps only exceptions that it knows.
 *
 * @param endpoint the endpoint's name
 * @param again    what the caller shall do once the fault is gone, such as {@code send the document again}
 */
record EndpointFault(String endpoint, String again) {

    static EsRejectedExecutionException notConfigured(String name, Collection<String> configured) {
        String others = configured.isEmpty() ? "none is configured" : "configured are [" + String.join(", ", configured) + "]";
        return new EsRejectedExecutionException(
            "endpoint [" + name + "] is not configured: set [face.endpoint." + name + ".urls] in elasticsearch.yml or by "
                + "PUT _cluster/settings; " + others
        );
    }

    /** @param what there is too much of, as in {@code [1000] photos} */
    EsRejectedExecutionException tooManyWaiting(String what) {
        return fault("is busy: " + what + " wait for it already", "send less at a time or add copies of the service to " + urls());
    }

    EsRejectedExecutionException waitedTooLong(TimeValue timeout) {
        return fault(
            "is busy: the photo waited [" + timeout + "] for its turn",
            "send less at a time, add copies of the service to " + urls() + " or raise " + timeoutSetting()
        );
    }

    EsRejectedExecutionException closing() {
        return fault("cannot be asked: this node is shutting down", "take another node");
    }

    EsRejectedExecutionException timedOut(URI url, TimeValue timeout) {
        return cannotAnswer(
            "no complete answer from " + host(url) + " within [" + timeout + "]",
            "see what keeps the service, or raise " + timeoutSetting()
        );
    }

    /** @param failure what the HTTP client reported, unwrapped */
    EsRejectedExecutionException unreachable(URI url, Throwable failure) {
        String startOrFix = "start the service or fix " + urls();
        if (failure instanceof BoundedBody.TooLarge tooLarge) {
            return cannotAnswer(host(url) + " sent more than [" + tooLarge.limit() + "] bytes", "fix the service or " + urls());
        }
        if (failure instanceof SSLException) {
            String reason = "TLS with " + host(url) + " failed: " + shorten(failure.getMessage());
            return cannotAnswer(reason, "fix " + urls() + " or make the Java of this node trust the service's certificate");
        }
        if (failure instanceof HttpConnectTimeoutException) {
            return cannotAnswer("no connection to " + host(url) + " in time", startOrFix);
        }
        if (isUnknownHost(failure)) {
            return cannotAnswer("the host of " + host(url) + " is unknown", "fix " + urls());
        }
        if (failure instanceof ConnectException) {
            return cannotAnswer("connection refused by " + host(url) + detail(failure), startOrFix);
        }
        return cannotAnswer("the connection to " + host(url) + " broke before the answer was complete", "see the service's log");
    }

    /** @param serviceMessage {@code error.message} of the answer, or null when it has none */
    EsRejectedExecutionException refused(URI url, int status, @Nullable String serviceMessage) {
        String says = serviceMessage == null ? "" : ": " + shorten(serviceMessage);
        String todo = switch (status) {
            case 400 -> "install the plugin and the service of one release";
            case 401, 403 -> "put the service's key into the keystore as [face.endpoint." + endpoint
                + ".api_key] and POST _nodes/reload_secure_settings";
            case 404, 405 -> "fix " + urls() + ", there is no face service at this address";
            case 409 -> "name a model that the service has, or start a service with this model";
            case 413 -> "use a smaller photo or raise the service's limit";
            case 429, 503 -> "send less at a time or add copies of the service to " + urls();
            default -> "see the service's log";
        };
        return cannotAnswer(host(url) + " answered with status [" + status + "]" + says, todo);
    }

    /** @param reason says what is wrong with the answer, without any part of the answer */
    EsRejectedExecutionException malformed(URI url, String reason) {
        return cannotAnswer(
            host(url) + " sent an answer that cannot be used: " + reason,
            "fix " + urls() + " or install the plugin and the service of one release"
        );
    }

    private EsRejectedExecutionException cannotAnswer(String reason, String todo) {
        return fault("cannot answer: " + reason, todo);
    }

    private EsRejectedExecutionException fault(String reason, String todo) {
        return new EsRejectedExecutionException("endpoint [" + endpoint + "] " + reason + "; " + todo + ", then " + again);
    }

    private String urls() {
        return "[face.endpoint." + endpoint + ".urls]";
    }

    private String timeoutSetting() {
        return "[face.endpoint." + endpoint + ".timeout]";
    }

    private static String host(URI url) {
        return "[" + Endpoint.hostAndPort(url) + "]";
    }

    private static boolean isUnknownHost(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException) {
                return true;
            }
        }
        return false;
    }

    /** "No route to host" and the like; the usual case needs no detail. */
    private static String detail(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.contains("refused") ? "" : " (" + shorten(message) + ")";
    }

    /** Keeps a message a message: whatever a service may echo, only the beginning of it gets on. */
    static String shorten(@Nullable String message) {
        if (message == null) {
            return "no reason given";
        }
        return message.length() <= 300 ? message : message.substring(0, 300) + "…";
    }
}
