package org.ingestface;

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

/**
 * Says that the endpoint, not the photo, is why there is no answer. Every such message stands in this file; it names the endpoint, the
 * host, the reason and what to do about it, and carries no part of a request or an answer except the service's own error message.
 *
 * @param endpoint   the endpoint's name
 * @param code       stable, for statistics: {@code connect}, {@code timeout}, {@code status_401}, …
 * @param reason     what is wrong
 * @param todo       what to do about it
 * @param blame      what asking again could change
 * @param retryAfter how long the service wants to be left alone; zero when it did not say
 */
record EndpointFault(String endpoint, String code, String reason, String todo, Blame blame, TimeValue retryAfter) {

    /** Whose fault it is. */
    enum Blame {
        /** The address does not work now, or broke off: worth asking again, elsewhere if there is an elsewhere. */
        ADDRESS,
        /** The address works and has too much to do: worth asking again, later or elsewhere. */
        LOAD,
        /** What answers there is no face service, or a broken one: worth asking another address, if there is one. */
        COPY,
        /** The address is set up wrongly: TLS, key or path. Asking again changes nothing. */
        SETUP,
        /** The request could not be answered by any address, or was not sent. */
        REQUEST;

        /** @param another whether another address works */
        boolean isWorthAskingAgain(boolean another) {
            return this == ADDRESS || this == LOAD || this == COPY && another;
        }
    }

    private EndpointFault(String endpoint, String code, String reason, String todo, Blame blame) {
        this(endpoint, code, reason, todo, blame, TimeValue.ZERO);
    }

    static EndpointFault notConfigured(String endpoint, Collection<String> configured) {
        String others = configured.isEmpty() ? "none is configured" : "configured are [" + String.join(", ", configured) + "]";
        // What cannot be a part of a setting's name can only be a slip.
        String todo = endpoint.matches("[A-Za-z0-9_-]+")
            ? "set [face.endpoint." + endpoint + ".urls] in elasticsearch.yml or by PUT _cluster/settings"
            : "name one that is";
        return new EndpointFault(endpoint, "not_configured", "is not configured", todo + " (" + others + ")", Blame.REQUEST);
    }

    /** @param what there is too much of, as in {@code [1000] photos} */
    static EndpointFault queueFull(String endpoint, String what, String setting) {
        return new EndpointFault(
            endpoint,
            "queue_full",
            "is busy: " + what + " wait for it already",
            "send less at a time, add copies of the service to " + urls(endpoint) + " or raise [" + setting + "]",
            Blame.REQUEST
        );
    }

    static EndpointFault waitedTooLong(String endpoint, TimeValue timeout) {
        return new EndpointFault(
            endpoint,
            "queue_timeout",
            "is busy: the photo waited [" + timeout + "] for its turn",
            "send less at a time, add copies of the service to " + urls(endpoint) + " or raise " + timeoutSetting(endpoint),
            Blame.REQUEST
        );
    }

    static EndpointFault closing(String endpoint) {
        return new EndpointFault(
            endpoint,
            "closing",
            "cannot be asked: this node is shutting down",
            "take another node",
            Blame.REQUEST
        );
    }

    /** @param detail names the file and what is wrong with it */
    static EndpointFault badAuthorities(String endpoint, String detail) {
        return new EndpointFault(
            endpoint,
            "tls",
            "cannot be asked: " + detail,
            "fix [face.endpoint." + endpoint + ".ssl.certificate_authorities] or the file on this node",
            Blame.REQUEST
        );
    }

    static EndpointFault internal(String endpoint, Exception failure) {
        return new EndpointFault(
            endpoint,
            "internal",
            "cannot be asked: " + failure.getClass().getSimpleName(),
            "see this node's log",
            Blame.REQUEST
        );
    }

    static EndpointFault timedOut(String endpoint, URI url, TimeValue timeout) {
        return cannotAnswer(
            endpoint,
            "timeout",
            "no complete answer from " + host(url) + " within [" + timeout + "]",
            "see what keeps the service, or raise " + timeoutSetting(endpoint),
            Blame.ADDRESS
        );
    }

    /** @param failure what the HTTP client reported, unwrapped */
    static EndpointFault unreachable(String endpoint, URI url, Throwable failure) {
        String startOrFix = "start the service or fix " + urls(endpoint);
        if (failure instanceof BoundedBody.TooLarge tooLarge) {
            String reason = host(url) + " sent more than [" + tooLarge.limit() + "] bytes";
            return cannotAnswer(endpoint, "too_large", reason, "fix the service or " + urls(endpoint), Blame.COPY);
        }
        if (failure instanceof BoundedBody.NoRoom) {
            String reason = "there is no room for the answer of " + host(url) + ": " + failure.getMessage();
            String todo = "lower [" + Batching.SIZE.getKey() + "] or [" + Batching.IN_FLIGHT.getKey() + "], or raise ["
                + Batching.QUEUE_BYTES.getKey() + "]";
            return cannotAnswer(endpoint, "no_room", reason, todo, Blame.LOAD);
        }
        if (isTls(failure)) {
            String reason = "TLS with " + host(url) + " failed: " + shorten(failure.getMessage());
            String todo = "fix " + urls(endpoint) + ", or name the authority that signed the service's certificate in [face.endpoint."
                + endpoint + ".ssl.certificate_authorities]";
            return cannotAnswer(endpoint, "tls", reason, todo, Blame.SETUP);
        }
        if (failure instanceof HttpConnectTimeoutException) {
            return cannotAnswer(endpoint, "connect", "no connection to " + host(url) + " in time", startOrFix, Blame.ADDRESS);
        }
        if (isUnknownHost(failure)) {
            return cannotAnswer(endpoint, "connect", "the host of " + host(url) + " is unknown", "fix " + urls(endpoint), Blame.ADDRESS);
        }
        if (failure instanceof ConnectException) {
            String reason = "connection refused by " + host(url) + detail(failure);
            return cannotAnswer(endpoint, "connect", reason, startOrFix, Blame.ADDRESS);
        }
        String reason = "the connection to " + host(url) + " broke before the answer was complete";
        return cannotAnswer(endpoint, "connection_lost", reason, "see the service's log", Blame.ADDRESS);
    }

    /**
     * @param serviceMessage {@code error.message} of the answer, or null when it has none
     * @param retryAfter     of the answer's header; zero when it has none
     */
    static EndpointFault refused(String endpoint, URI url, int status, @Nullable String serviceMessage, TimeValue retryAfter) {
        // Without the full stop, since our own sentence goes on.
        String says = serviceMessage == null ? "" : ": " + shorten(serviceMessage).replaceFirst("\\.$", "");
        String todo = switch (status) {
            case 400 -> "install the plugin and the service of one release";
            case 401, 403 -> "put the service's key into the keystore as [face.endpoint." + endpoint
                + ".api_key] and POST _nodes/reload_secure_settings";
            case 404, 405 -> "fix " + urls(endpoint) + ", there is no face service at this address";
            case 409 -> "name a model that the service has, or start a service with this model";
            case 413 -> "use smaller photos, raise the service's limits or lower [face.batch.size] and [face.batch.bytes]";
            case 429, 503 -> "send less at a time or add copies of the service to " + urls(endpoint);
            default -> "see the service's log";
        };
        Blame blame = switch (status) {
            case 429, 503 -> Blame.LOAD;
            case 400, 409, 413 -> Blame.REQUEST;
            default -> status >= 500 ? Blame.ADDRESS : Blame.SETUP;
        };
        String reason = "cannot answer: " + host(url) + " answered with status [" + status + "]" + says;
        return new EndpointFault(endpoint, "status_" + status, reason, todo, blame, retryAfter);
    }

    /** @param problem says what is wrong with the answer, without any part of the answer */
    static EndpointFault malformed(String endpoint, URI url, String problem) {
        return cannotAnswer(
            endpoint,
            "malformed",
            host(url) + " sent an answer that cannot be used: " + problem,
            "fix " + urls(endpoint) + " or install the plugin and the service of one release",
            Blame.COPY
        );
    }

    private static EndpointFault cannotAnswer(String endpoint, String code, String reason, String todo, Blame blame) {
        return new EndpointFault(endpoint, code, "cannot answer: " + reason, todo, blame);
    }

    /** Whether a single photo of a batch may be what brought it about: one that breaks the service, or is too much for it. */
    boolean mayBeOnePhotos() {
        return List.of("connection_lost", "status_500", "status_413").contains(code);
    }

    /** Without what to do once the fault is gone. */
    String message() {
        return "endpoint [" + endpoint + "] " + reason + "; " + todo;
    }

    /**
     * What the one who asked gets: status 429, the one status that clients can be told to retry. Not a subclass, because between nodes
     * Elasticsearch keeps only exceptions that it knows.
     *
     * @param again what to do once the fault is gone, such as {@code send the document again}
     */
    EsRejectedExecutionException exception(String again) {
        return new EsRejectedExecutionException(message() + ", then " + again);
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
