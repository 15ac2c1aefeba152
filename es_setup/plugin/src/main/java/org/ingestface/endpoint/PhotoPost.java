package org.ingestface.endpoint;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/** Sends requests to {@code /v1/faces}, with the endpoint's key. */
final class PhotoPost {

    /**
     * A request in progress.
     *
     * @param received counts the answer's bytes until it is released
     */
    record Sent(CompletableFuture<HttpResponse<byte[]>> answer, BoundedBody received) {}

    private final Connector connector;
    private final int maxAnswerBytes;
    private final ByteBudget answerBudget;
    private final LongSupplier budgetLimit;

    /**
     * @param answerBudget counts the bytes of all endpoints' answers
     * @param budgetLimit  of {@code answerBudget}, in bytes
     */
    PhotoPost(Connector connector, int maxAnswerBytes, ByteBudget answerBudget, LongSupplier budgetLimit) {
        this.connector = connector;
        this.maxAnswerBytes = maxAnswerBytes;
        this.answerBudget = answerBudget;
        this.budgetLimit = budgetLimit;
    }

    /** @param url one of the endpoint's */
    Sent send(Endpoint endpoint, URI url, byte[] json) throws Connector.InvalidAuthorities {
        HttpRequest.Builder post = HttpRequest.newBuilder(facesUrl(url))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(json));
        if (endpoint.apiKey() != null) {
            post.header("Authorization", "Bearer " + endpoint.apiKey());
        }
        BoundedBody received = new BoundedBody(maxAnswerBytes, answerBudget, budgetLimit);
        return new Sent(connector.http(endpoint.connection()).sendAsync(post.build(), head -> received), received);
    }

    /** To be called when every request has ended. */
    void close() {
        connector.close();
    }

    /** The URL of {@code /v1/faces} below a base URL, which may have a path of its own. */
    private static URI facesUrl(URI baseUrl) {
        String base = baseUrl.toString();
        return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + "/v1/faces");
    }
}
