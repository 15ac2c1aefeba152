package org.ingestface.endpoint;

import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Collection;
import java.util.List;

import javax.net.ssl.SSLException;

import org.elasticsearch.common.util.concurrent.EsRejectedExecutionException;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.core.TimeValue;
import org.ingestface.common.Messages;

/**
 * Why an endpoint gave no answer although the photo may be fine. All such messages are in this file. They name the endpoint, the host,
 * the reason and the remedy, and contain no part of a request or an answer except the service's own error message.
 *
 * @param endpoint   name of the endpoint
 * @param code       stable, for statistics: {@code connect}, {@code timeout}, {@code status_401}, …
 * @param reason     what is wrong
 * @param remedy     what to do about it
 * @param kind       whether a retry may help
 * @param retryAfter the pause that the service asked for; zero if it asked for none
 */
record EndpointFault(String endpoint, String code, String reason, String remedy, Kind kind, TimeValue retryAfter) {

    /** What is at fault, and so whether a retry may help. */
    enum Kind {
        /** The address does not work now: a retry there or at another address may help. */
        UNAVAILABLE,
        /** The address works but is overloaded: a retry later or at another address may help. */
        OVERLOADED,
        /** Something else than a face service answers, or a broken one: only another address may help. */
        BROKEN,
        /** The address is configured wrongly, as its TLS, key or path: a retry does not help. */
        MISCONFIGURED,
        /** No address could answer this request, or it was not sent: a retry does not help. */
        REQUEST;

        boolean isRetryable(boolean otherAddressAvailable) {
            return this == UNAVAILABLE || this == OVERLOADED || this == BROKEN && otherAddressAvailable;
        }
    }

    private static final String TIMEOUT = "timeout";
    /** The service's code for a request that took longer than it allows. */
    private static final String DEADLINE_EXCEEDED = "deadline_exceeded";

    private EndpointFault(String endpoint, String code, String reason, String remedy, Kind kind) {
        this(endpoint, code, reason, remedy, kind, TimeValue.ZERO);
    }

    static EndpointFault notConfigured(String endpoint, Collection<String> configured) {
        String others = configured.isEmpty() ? "none is configured" : "configured are [" + String.join(", ", configured) + "]";
        // A name that no setting can contain must be a typing error.
        String remedy = endpoint.matches("[A-Za-z0-9_-]+")
            ? "set [face.endpoint." + endpoint + ".urls] in elasticsearch.yml or by PUT _cluster/settings"
            : "name one that is";
        return new EndpointFault(endpoint, "not_configured", "is not configured", remedy + " (" + others + ")", Kind.REQUEST);
    }

    static EndpointFault hostNotAllowed(String endpoint, URI url) {
        return new EndpointFault(
            endpoint,
            "host_not_allowed",
            "cannot be used: " + urls(endpoint) + " names the host " + host(url) + ", which [" + AllowedHosts.SETTING.getKey()
                + "] does not allow",
            "fix " + urls(endpoint) + ", or add the host to [" + AllowedHosts.SETTING.getKey()
                + "] in elasticsearch.yml of every node and restart it",
            Kind.MISCONFIGURED
        );
    }

    static EndpointFault keyInClear(String endpoint, URI url) {
        return new EndpointFault(
            endpoint,
            "key_in_clear",
            "cannot be used: its key would be sent in clear to " + host(url),
            "give the service a certificate and use [https] in " + urls(endpoint) + ", or remove [face.endpoint." + endpoint
                + ".api_key] from the keystore",
            Kind.MISCONFIGURED
        );
    }

    /** @param queued what fills the queue, such as {@code [1000] photos} */
    static EndpointFault queueFull(String endpoint, String queued, String setting) {
        return new EndpointFault(
            endpoint,
            "queue_full",
            "is busy: its queue already holds " + queued,
            "send fewer photos at a time, add copies of the service to " + urls(endpoint) + " or raise [" + setting + "]",
            Kind.REQUEST
        );
    }

    static EndpointFault queuedTooLong(String endpoint, TimeValue timeout) {
        return new EndpointFault(
            endpoint,
            "queue_timeout",
            "is busy: the photo waited [" + timeout + "] in its queue",
            "send fewer photos at a time, add copies of the service to " + urls(endpoint) + " or raise " + timeoutSetting(endpoint),
            Kind.REQUEST
        );
    }

    static EndpointFault closing(String endpoint) {
        return new EndpointFault(
            endpoint,
            "closing",
            "cannot be used: this node is shutting down",
            "use another node",
            Kind.REQUEST
        );
    }

    /** @param detail names the file and what is wrong with it */
    static EndpointFault badAuthorities(String endpoint, String detail) {
        return new EndpointFault(
            endpoint,
            "tls",
            "cannot be used: " + detail,
            "fix [face.endpoint." + endpoint + ".ssl.certificate_authorities] or the file on this node",
            Kind.REQUEST
        );
    }

    static EndpointFault internal(String endpoint, Exception failure) {
        return new EndpointFault(
            endpoint,
            "internal",
            "cannot be used: " + failure.getClass().getSimpleName(),
            "see this node's log",
            Kind.REQUEST
        );
    }

    static EndpointFault timedOut(String endpoint, URI url, TimeValue timeout) {
        return cannotAnswer(
            endpoint,
            TIMEOUT,
            "no complete answer from " + host(url) + " within [" + timeout + "]",
            "find out why the service is slow, or raise " + timeoutSetting(endpoint),
            Kind.UNAVAILABLE
        );
    }

    /** @param failure what the HTTP client reported, unwrapped */
    static EndpointFault unreachable(String endpoint, URI url, Throwable failure) {
        String startOrFix = "start the service or fix " + urls(endpoint);
        if (failure instanceof BoundedBody.TooLarge tooLarge) {
            String reason = host(url) + " sent more than [" + tooLarge.limit() + "] bytes";
            return cannotAnswer(endpoint, "too_large", reason, "fix the service or " + urls(endpoint), Kind.BROKEN);
        }
        if (failure instanceof BoundedBody.OverBudget) {
            String reason = "there is no room for the answer of " + host(url) + ": " + failure.getMessage();
            String remedy = "lower [" + BatchSettings.SIZE.getKey() + "] or [" + BatchSettings.IN_FLIGHT.getKey() + "], or raise ["
                + BatchSettings.QUEUE_BYTES.getKey() + "]";
            return cannotAnswer(endpoint, "no_room", reason, remedy, Kind.OVERLOADED);
        }
        if (isTls(failure)) {
            String reason = "TLS with " + host(url) + " failed: " + Messages.shorten(failure.getMessage());
            String remedy = "fix " + urls(endpoint) + ", or name the authority that signed the service's certificate in [face.endpoint."
                + endpoint + ".ssl.certificate_authorities]";
            return cannotAnswer(endpoint, "tls", reason, remedy, Kind.MISCONFIGURED);
        }
        if (failure instanceof HttpConnectTimeoutException) {
            return cannotAnswer(endpoint, "connect", "connecting to " + host(url) + " timed out", startOrFix, Kind.UNAVAILABLE);
        }
        if (isUnknownHost(failure)) {
            return cannotAnswer(endpoint, "connect", "the host of " + host(url) + " is unknown", "fix " + urls(endpoint), Kind.UNAVAILABLE);
        }
        if (failure instanceof ConnectException) {
            String reason = "connection refused by " + host(url) + detail(failure);
            return cannotAnswer(endpoint, "connect", reason, startOrFix, Kind.UNAVAILABLE);
        }
        String reason = "the connection to " + host(url) + " broke before the answer was complete";
        return cannotAnswer(endpoint, "connection_lost", reason, "see the service's log", Kind.UNAVAILABLE);
    }

    /**
     * @param refusal    {@code error} of the answer
     * @param retryAfter from the answer's header; zero if it has none
     */
    static EndpointFault refused(String endpoint, URI url, int status, AnswerParser.Refusal refusal, TimeValue retryAfter) {
        // Without its full stop, because our sentence goes on.
        String says = refusal.message() == null ? "" : ": " + Messages.shorten(refusal.message()).replaceFirst("\\.$", "");
        String remedy = switch (status) {
            case 400 -> "install the plugin and the service from the same release";
            case 401, 403 -> "put the service's key into the keystore as [face.endpoint." + endpoint
                + ".api_key] and POST _nodes/reload_secure_settings";
            case 404, 405 -> "fix " + urls(endpoint) + ", there is no face service at this address";
            case 409 -> "[faces status] says which index has which model, and what to do";
            case 413 -> "use smaller photos, raise the service's limits or lower [face.batch.size] and [face.batch.bytes]";
            case 408, 429, 503 -> "send fewer photos at a time or add copies of the service to " + urls(endpoint);
            default -> "see the service's log";
        };
        Kind kind = switch (status) {
            case 408, 429, 503 -> Kind.OVERLOADED;
            case 400, 409, 413 -> Kind.REQUEST;
            default -> status >= 500 ? Kind.UNAVAILABLE : Kind.MISCONFIGURED;
        };
        String reason = "cannot answer: " + host(url) + " answered with status [" + status + "]" + says;
        if (DEADLINE_EXCEEDED.equals(refusal.code())) {
            // Not sent again as it is, since it would take as long again.
            return new EndpointFault(endpoint, DEADLINE_EXCEEDED, reason, remedy, Kind.REQUEST, retryAfter);
        }
        return new EndpointFault(endpoint, "status_" + status, reason, remedy, kind, retryAfter);
    }

    /** @param problem what is wrong with the answer, without any part of it */
    static EndpointFault malformed(String endpoint, URI url, String problem) {
        return cannotAnswer(
            endpoint,
            "malformed",
            host(url) + " sent an answer that cannot be used: " + problem,
            "fix " + urls(endpoint) + " or install the plugin and the service from the same release",
            Kind.BROKEN
        );
    }

    private static EndpointFault cannotAnswer(String endpoint, String code, String reason, String remedy, Kind kind) {
        return new EndpointFault(endpoint, code, "cannot answer: " + reason, remedy, kind);
    }

    /** Whether a single photo of the batch may be the cause: one that crashes the service, is too large for it, or takes too long. */
    boolean mayBeCausedByOnePhoto() {
        return isTooSlow() || List.of("connection_lost", "status_500", "status_413").contains(code);
    }

    /** Whether the time for an answer passed, here or in the service. */
    boolean isTooSlow() {
        return List.of(TIMEOUT, DEADLINE_EXCEEDED).contains(code);
    }

    /** The message without the advice to retry. */
    String message() {
        return "endpoint [" + endpoint + "] " + reason + "; " + remedy;
    }

    /**
     * The exception for the client, with status 429, which most clients can be told to retry. Not a subclass, because
     * Elasticsearch sends only exceptions that it knows from node to node.
     *
     * @param retryAdvice what to do once the fault is gone, such as {@code send the document again}
     */
    EsRejectedExecutionException exception(String retryAdvice) {
        return new EsRejectedExecutionException(message() + ", then " + retryAdvice);
    }

    private static String urls(String endpoint) {
        return "[face.endpoint." + endpoint + ".urls]";
    }

    private static String timeoutSetting(String endpoint) {
        return "[face.endpoint." + endpoint + ".timeout]";
    }

    private static String host(URI url) {
        return "[" + Endpoint.hostAndPort(url) + "]";
    }

    private static boolean isTls(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof SSLException) {
                return true;
            }
        }
        return false;
    }

    private static boolean isUnknownHost(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof UnresolvedAddressException || t instanceof UnknownHostException) {
                return true;
            }
        }
        return false;
    }

    /** Such as "No route to host"; empty for a plain refusal. */
    private static String detail(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.contains("refused") ? "" : " (" + Messages.shorten(message) + ")";
    }
}
