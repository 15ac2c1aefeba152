package org.ingestface.search;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.search.MultiSearchRequest;
import org.elasticsearch.action.search.MultiSearchResponse;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.cache.Cache;
import org.elasticsearch.common.cache.CacheBuilder;
import org.elasticsearch.common.document.DocumentField;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.QueryBuilders;
import org.elasticsearch.index.shard.ShardId;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.transport.RemoteClusterAware;
import org.ingestface.common.Names;

/**
 * Portraits by the version of their document. Reading a document with its pictures costs more than finding it, and a gallery changes
 * seldom, so the last ones are kept: a portrait that was changed has another version, and one that was deleted is not found.
 */
final class Portraits {

    private static final long MAX_BYTES = 16 << 20;
    /** Of a portrait without its vector, roughly. */
    private static final int OVERHEAD_BYTES = 400;
    private static final int READ_AT_ONCE = 200;

    /** @param shard with the index's UUID */
    private record Document(ShardId shard, String id) {}

    /**
     * A portrait that a search has found, as yet unread.
     *
     * @param index with the cluster's name, if it is another one
     */
    record Found(Document document, String index, long seqNo, long primaryTerm) {

        /** @param hit of a search for {@code _seq_no} and {@code _primary_term} */
        static Found of(SearchHit hit) {
            // With the cluster's name, so that a remote index is not taken for the local one of the same name.
            String index = RemoteClusterAware.buildRemoteIndexName(hit.getClusterAlias(), hit.getIndex());
            return new Found(new Document(hit.getShard().getShardId(), hit.getId()), index, hit.getSeqNo(), hit.getPrimaryTerm());
        }
    }

    /**
     * @param name   {@code person.name}; null if it has none
     * @param vector of length 1
     */
    record Portrait(String index, String id, @Nullable String name, List<String> tags, float[] vector) {

        double similarity(float[] unit) {
            return Vectors.dot(vector, unit);
        }
    }

    private final Client client;
    private final Cache<Found, Portrait> cache = CacheBuilder.<Found, Portrait>builder()
        .setMaximumWeight(MAX_BYTES)
        .weigher((found, portrait) -> OVERHEAD_BYTES + (long) Float.BYTES * portrait.vector.length)
        .build();

    Portraits(Client client) {
        this.client = client;
    }

    /** @param listener gets those that are still there and have a vector, in this order */
    void read(Collection<Found> wanted, ActionListener<Map<Found, Portrait>> listener) {
        Map<Found, Portrait> known = new HashMap<>();
        Map<String, Set<String>> missing = new LinkedHashMap<>();
        for (Found found : wanted) {
            Portrait portrait = cache.get(found);
            if (portrait != null) {
                known.put(found, portrait);
            } else {
                missing.computeIfAbsent(found.index, unused -> new LinkedHashSet<>()).add(found.document.id);
            }
        }
        if (missing.isEmpty()) {
            listener.onResponse(inOrder(wanted, known));
            return;
        }
        client.multiSearch(requests(missing), listener.delegateFailureAndWrap((delegate, response) -> {
            Map<Document, Portrait> read = read(response);
            for (Found found : wanted) {
                // As it is now, if it was changed since it was found.
                if (known.containsKey(found) == false && read.containsKey(found.document)) {
                    known.put(found, read.get(found.document));
                }
            }
            delegate.onResponse(inOrder(wanted, known));
        }));
    }

    private static Map<Found, Portrait> inOrder(Collection<Found> wanted, Map<Found, Portrait> known) {
        Map<Found, Portrait> ordered = new LinkedHashMap<>();
        wanted.stream().filter(known::containsKey).forEach(found -> ordered.put(found, known.get(found)));
        return ordered;
    }

    private static MultiSearchRequest requests(Map<String, Set<String>> idsByIndex) {
        MultiSearchRequest requests = new MultiSearchRequest();
        idsByIndex.forEach((index, ids) -> {
            List<String> all = new ArrayList<>(ids);
            for (int start = 0; start < all.size(); start += READ_AT_ONCE) {
                List<String> some = all.subList(start, Math.min(start + READ_AT_ONCE, all.size()));
                SearchSourceBuilder source = new SearchSourceBuilder().query(QueryBuilders.idsQuery().addIds(some.toArray(String[]::new)))
                    .size(READ_AT_ONCE)
                    .fetchSource(false)
                    .fetchField(Gallery.VECTOR)
                    .fetchField("person.name")
                    .fetchField("tags")
                    .seqNoAndPrimaryTerm(true)
                    .trackTotalHits(false);
                requests.add(new FaceSearchRequest(index).source(source).allowPartialSearchResults(false));
            }
        });
        return requests;
    }

    private Map<Document, Portrait> read(MultiSearchResponse response) throws Exception {
        Map<Document, Portrait> read = new HashMap<>();
        for (MultiSearchResponse.Item item : response.getResponses()) {
            if (item.isFailure()) {
                throw item.getFailure();
            }
            for (SearchHit hit : item.getResponse().getHits().getHits()) {
                float[] vector = Vectors.of(values(hit, Gallery.VECTOR));
                if (vector != null) {
                    Found found = Found.of(hit);
                    // It has no name if the mapping ignores it, as one longer than ignore_above.
                    String name = Names.all(values(hit, "person.name")).stream().findFirst().orElse(null);
                    List<String> tags = values(hit, "tags").stream().map(Object::toString).toList();
                    Portrait portrait = new Portrait(found.index, hit.getId(), name, tags, Vectors.unit(vector));
                    cache.put(found, portrait);
                    read.put(found.document, portrait);
                }
            }
        }
        return read;
    }

    private static List<Object> values(SearchHit hit, String field) {
        DocumentField found = hit.field(field);
        return found == null ? List.of() : found.getValues();
    }
}
