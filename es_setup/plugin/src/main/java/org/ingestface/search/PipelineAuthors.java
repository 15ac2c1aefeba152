package org.ingestface.search;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRequest;
import org.elasticsearch.action.ActionResponse;
import org.elasticsearch.action.ingest.PutPipelineRequest;
import org.elasticsearch.action.ingest.PutPipelineTransportAction;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchResponse;
import org.elasticsearch.action.support.ActionFilterChain;
import org.elasticsearch.action.support.ContextPreservingActionListener;
import org.elasticsearch.action.support.IndicesOptions;
import org.elasticsearch.action.support.MappedActionFilter;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.regex.Regex;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.tasks.Task;

/**
 * Lets a pipeline that identifies faces be PUT only by who may read the gallery, since it searches there with the plugin's rights. The same
 * holds for one that calls it, and for the other pipelines of an index for probes: their processors have the names before them.
 */
public final class PipelineAuthors implements MappedActionFilter {

    private final Client client;
    private final ThreadContext context;
    private final IdentifyRights rights;
    private final Pipelines pipelines;

    public PipelineAuthors(Plugin.PluginServices services, IdentifyRights rights) {
        this.client = services.client();
        this.context = services.threadPool().getThreadContext();
        this.rights = rights;
        this.pipelines = new Pipelines(services);
    }

    @Override
    public String actionName() {
        return PutPipelineTransportAction.TYPE.name();
    }

    @Override
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        if (request instanceof PutPipelineRequest put) {
            ActionListener.run(listener, l -> {
                Set<String> galleries = galleries(put);
                if (galleries.isEmpty()) {
                    chain.proceed(task, action, request, l);
                } else {
                    requireReadable(put.getId(), galleries, l.delegateFailureAndWrap((next, unused) -> {
                        chain.proceed(task, action, request, next);
                    }));
                }
            });
        } else {
            chain.proceed(task, action, request, listener);
        }
    }

    /** The galleries whose names a document may have when it is in this pipeline. */
    private Set<String> galleries(PutPipelineRequest put) {
        Map<String, Object> pipeline = XContentHelper.convertToMap(put.getSource(), false, put.getXContentType()).v2();
        Pipelines.galleries(pipeline).forEach(rights::requireGallery);
        Map<String, Object> all = pipelines.stored();
        all.put(put.getId(), pipeline);
        Set<String> together = Pipelines.withCalled(put.getId(), all);
        for (String index : pipelines.names()) {
            Set<String> ofIndex = rights.isProbes(index) ? pipelines.ofIndex(index, all) : Set.of();
            if (ofIndex.contains(put.getId())) {
                together.addAll(ofIndex);
            }
        }
        Set<String> galleries = new TreeSet<>();
        together.forEach(name -> galleries.addAll(Pipelines.galleries(all.get(name))));
        return galleries;
    }

    /** @param listener fails with status 403 if the caller may not read one of them, whether it exists or not */
    private void requireReadable(String pipeline, Set<String> galleries, ActionListener<Void> listener) {
        String[] names = galleries.stream()
            .flatMap(gallery -> List.of(Strings.splitStringByCommaToArray(gallery)).stream())
            .flatMap(name -> concrete(name).stream())
            .distinct()
            .toArray(String[]::new);
        SearchRequest search = new SearchRequest(names).indicesOptions(IndicesOptions.strictExpandOpen())
            .source(new SearchSourceBuilder().size(0).trackTotalHits(false));
        client.search(search, ContextPreservingActionListener.wrapPreservingContext(new ActionListener<>() {
            @Override
            public void onResponse(SearchResponse response) {
                listener.onResponse(null);
            }

            @Override
            public void onFailure(Exception e) {
                RestStatus status = ExceptionsHelper.status(e);
                if (status == RestStatus.FORBIDDEN || status == RestStatus.UNAUTHORIZED) {
                    listener.onFailure(
                        new ElasticsearchSecurityException(
                            "{}",
                            RestStatus.FORBIDDEN,
                            "pipeline [" + pipeline + "] has to do with names of [" + String.join(", ", galleries)
                                + "], which you may not read; let someone PUT it who may"
                        )
                    );
                } else {
                    // Rights are checked first, so it is allowed, but missing or closed.
                    listener.onResponse(null);
                }
            }
        }, context));
    }

    /** A name that is no pattern; for a pattern what matches it and, so that one that matches nothing needs rights too, an example. */
    private Collection<String> concrete(String name) {
        if (Regex.isSimpleMatchPattern(name) == false) {
            return List.of(name);
        }
        List<String> names = new ArrayList<>(pipelines.names().stream().filter(existing -> Regex.simpleMatch(name, existing)).toList());
        names.add(name.replace("*", "0"));
        return names;
    }
}
