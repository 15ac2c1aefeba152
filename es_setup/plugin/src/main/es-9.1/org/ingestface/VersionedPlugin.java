package org.ingestface;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;

import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;

/** Implements the methods by which Elasticsearch 9.1 to 9.4 gets a plugin's actions and REST handlers. */
abstract class VersionedPlugin extends Plugin implements ActionPlugin {

    abstract List<PluginAction<?, ?>> actions();

    abstract List<RestHandler> restHandlers();

    @Override
    public final Collection<ActionHandler> getActions() {
        return actions().stream().map(action -> new ActionHandler(action.type(), action.transport())).toList();
    }

    @Override
    public final Collection<RestHandler> getRestHandlers(
        Settings settings,
        NamedWriteableRegistry namedWriteables,
        RestController controller,
        ClusterSettings clusterSettings,
        IndexScopedSettings indexSettings,
        SettingsFilter settingsFilter,
        IndexNameExpressionResolver indices,
        Supplier<DiscoveryNodes> nodes,
        Predicate<NodeFeature> features
    ) {
        return restHandlers();
    }
}
