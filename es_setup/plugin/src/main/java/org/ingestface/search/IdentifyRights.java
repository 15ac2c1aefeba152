package org.ingestface.search;

import java.util.List;
import java.util.Set;
import java.util.function.Function;

import org.elasticsearch.ElasticsearchSecurityException;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.regex.Regex;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Setting.Property;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.util.concurrent.ThreadContext;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.transport.RemoteClusterAware;

/**
 * With whose rights {@code identify} searches a gallery. A document that will be stored is looked up with the plugin's own, so that a
 * sender needs none; node settings say in which galleries, and in which indices the names may be written. In a simulation, whose result
 * the caller sees, it is looked up with the caller's.
 */
public final class IdentifyRights {

    /** Indices, aliases and patterns that {@code identify.index} may name. */
    static final Setting<List<String>> GALLERIES = Setting.listSetting(
        "face.identify.galleries",
        List.of("face-gallery", "face-gallery-*"),
        Function.identity(),
        Property.NodeScope
    );
    /** Indices, aliases and patterns whose readers may see the names and tags of a gallery. */
    static final Setting<List<String>> PROBES = Setting.listSetting(
        "face.identify.probes",
        List.of("face-probes", "face-probes-*"),
        Function.identity(),
        Property.NodeScope
    );

    private final List<String> galleries;
    private final List<String> probes;
    private final ThreadContext context;
    private final Function<String, Set<String>> pipelinesOf;

    public IdentifyRights(Settings settings, Plugin.PluginServices services) {
        this(settings, services.threadPool().getThreadContext(), new Pipelines(services)::ofIndex);
    }

    /** @param pipelinesOf an index of this name: those that it runs by itself */
    IdentifyRights(Settings settings, ThreadContext context, Function<String, Set<String>> pipelinesOf) {
        this.galleries = GALLERIES.get(settings);
        this.probes = PROBES.get(settings);
        this.context = context;
        this.pipelinesOf = pipelinesOf;
    }

    public static List<Setting<?>> settings() {
        return List.of(GALLERIES, PROBES);
    }

    /**
     * Whether a document's lookup has the plugin's rights; else it has the caller's.
     *
     * @throws ElasticsearchSecurityException if the settings do not allow what the plugin's rights would be needed for
     */
    boolean arePlugins(Gallery.Lookup lookup, IngestDocument document) {
        if (RealWrites.isOne(context) == false) {
            return false;
        }
        requireGallery(lookup.index());
        String index = document.getMetadata().getIndex();
        if (isProbes(index) == false) {
            throw refused(
                "[identify] may not write names into [" + index + "]; add it to [" + PROBES.getKey() + "] in elasticsearch.yml of every "
                    + "node, if all who may read it may see them"
            );
        }
        RunningPipelines running = new RunningPipelines(document);
        if (running.isOne() == false && running.areAmong(pipelinesOf.apply(index)) == false) {
            // Its author need not be allowed to read the gallery, and could take the names elsewhere.
            throw refused(
                "[identify] may not be reached through a pipeline that [" + index + "] does not run itself; send the document without "
                    + "[pipeline]"
            );
        }
        return true;
    }

    /**
     * @param index the option {@code identify.index}
     * @throws ElasticsearchSecurityException unless all that it names, now or later, is allowed
     */
    void requireGallery(String index) {
        String[] parts = Strings.splitStringByCommaToArray(index);
        // No name would mean every index.
        if (parts.length == 0 || List.of(parts).stream().allMatch(part -> isAllowed(part, galleries)) == false) {
            throw refused(
                "[identify] may not search [" + index + "]; add it to [" + GALLERIES.getKey() + "] in elasticsearch.yml of every node, "
                    + "if its names may be written into [" + String.join(", ", probes) + "]"
            );
        }
    }

    /**
     * @param filter a query of the option {@code identify.filter}
     * @throws ElasticsearchSecurityException if it may read another index than the gallery
     */
    void requireOwnIndex(QueryBuilder filter) {
        String other = OwnIndexQueries.other(filter);
        if (other != null) {
            throw refused(
                "[identify.filter] may not use the query [" + other + "] in this form, as it could read other indices; use one such as "
                    + "[term], [terms] with values, [range], [exists] or [bool]"
            );
        }
    }

    boolean isProbes(String index) {
        return isAllowed(index, probes);
    }

    /** A pattern is compared like a name: if another one matches it, it matches all that this one does. */
    private static boolean isAllowed(String expression, List<String> patterns) {
        String name = IndexNameExpressionResolver.resolveDateMathExpression(expression);
        return patterns.stream()
            .anyMatch(
                pattern -> name.equals(pattern)
                    || RemoteClusterAware.isRemoteIndexName(name) == RemoteClusterAware.isRemoteIndexName(pattern)
                        && Regex.simpleMatch(pattern, name)
            );
    }

    private static ElasticsearchSecurityException refused(String reason) {
        // As a parameter, because the constructor would take braces in the reason for placeholders.
        return new ElasticsearchSecurityException("{}", RestStatus.FORBIDDEN, reason);
    }
}
