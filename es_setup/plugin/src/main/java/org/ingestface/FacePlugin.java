package org.ingestface;

import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.apache.lucene.util.SetOnce;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.ingest.Processor;
import org.elasticsearch.monitor.jvm.JvmInfo;
import org.elasticsearch.rest.RestHandler;

/**
 * The plugin {@code ingest-face}. Adds the ingest processor {@code face} ({@link FaceProcessor}), the query vector builder {@code face}
 * ({@link FaceVectorBuilder}) and the node settings {@code face.endpoint.*} ({@link FaceEndpoints}).
 */
public final class FacePlugin extends VersionedPlugin {

    private final FaceEndpoints endpoints;
    private final SetOnce<FaceClient> client = new SetOnce<>();

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
        long maxWaitingBytes = JvmInfo.jvmInfo().getMem().getHeapMax().getBytes() / 10;
        client.set(new FaceClient(endpoints, services.threadPool(), maxWaitingBytes, FaceClient.MAX_ANSWER));
        return List.of();
    }

    @Override
    public Map<String, Processor.Factory> getProcessors(Processor.Parameters parameters) {
        return Map.of(FaceProcessor.TYPE, new FaceProcessor.Factory(client::get));
    }

    @Override
    public List<QueryVectorBuilderSpec<?>> getQueryVectorBuilders() {
        return List.of(FaceVectorBuilder.spec(client::get));
    }

    @Override
    List<PluginAction<?, ?>> actions() {
        return List.of();
    }

    @Override
    List<RestHandler> restHandlers() {
        return List.of();
    }

    @Override
    public void reload(Settings settings) {
        endpoints.reloadApiKeys(settings);
    }

    @Override
    public void close() {
        FaceClient created = client.get();
        if (created != null) {
            created.close();
        }
    }
}
