package org.ingestface;

import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.apache.lucene.util.SetOnce;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.ingest.Processor;
import org.elasticsearch.plugins.IngestPlugin;
import org.elasticsearch.plugins.ReloadablePlugin;
import org.elasticsearch.plugins.SearchPlugin;
import org.elasticsearch.rest.RestHandler;

/**
 * The plugin {@code ingest-face}. Adds the ingest processor {@code face} ({@link FaceProcessor}), the query vector builder {@code face}
 * ({@link FaceVectorBuilder}), {@code GET _face/stats} ({@link FaceStats}) and the node settings {@code face.*} ({@link FaceEndpoints},
 * {@link Batching}).
 */
public final class FacePlugin extends VersionedPlugin implements IngestPlugin, SearchPlugin, ReloadablePlugin {

    private final FaceEndpoints endpoints;
    private final SetOnce<FaceClient> client = new SetOnce<>();
    private final SetOnce<Gallery> gallery = new SetOnce<>();

    /** @param settings the node's, with its keystore still open; called by Elasticsearch */
    public FacePlugin(Settings settings) {
        endpoints = new FaceEndpoints(settings);
    }

    @Override
    public List<Setting<?>> getSettings() {
        return FaceEndpoints.settings();
    }

    @Override
    public Collection<?> createComponents(PluginServices services) {
        endpoints.watch(services.clusterService().getClusterSettings());
        client.set(new FaceClient(endpoints, services.threadPool(), services.environment().configDir(), FaceClient.MAX_ANSWER));
        Calibrations calibrations = new Calibrations(services.clusterService()::state, services.indexNameExpressionResolver());
        gallery.set(new Gallery(services.client(), services.xContentRegistry(), services.threadPool(), calibrations::of));
        // Known to the injector that makes TransportFaceStatsAction.
        return List.of(client.get());
    }

    @Override
    public Map<String, Processor.Factory> getProcessors(Processor.Parameters parameters) {
        return Map.of(FaceProcessor.TYPE, new FaceProcessor.Factory(client::get, gallery::get));
    }

    @Override
    public List<QueryVectorBuilderSpec<?>> getQueryVectorBuilders() {
        return List.of(FaceVectorBuilder.spec(client::get));
    }

    @Override
    List<PluginAction<?, ?>> actions() {
        return List.of(new PluginAction<>(FaceStats.ACTION, TransportFaceStatsAction.class));
    }

    @Override
    List<RestHandler> restHandlers() {
        return List.of(new RestFaceStatsAction());
    }

    @Override
    public void reload(Settings settings) {
        endpoints.reloadSecrets(settings);
    }

    @Override
    public void close() {
        FaceClient created = client.get();
        if (created != null) {
            created.close();
        }
    }
}
