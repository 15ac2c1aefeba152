package org.ingestface;

import java.util.Collection;
import java.util.List;
import java.util.Map;

import org.apache.lucene.util.SetOnce;
import org.elasticsearch.action.support.MappedActionFilter;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.ingest.IngestService;
import org.elasticsearch.ingest.Processor;
import org.elasticsearch.plugins.IngestPlugin;
import org.elasticsearch.plugins.ReloadablePlugin;
import org.elasticsearch.plugins.SearchPlugin;
import org.elasticsearch.rest.RestHandler;
import org.ingestface.calibration.Calibrations;
import org.ingestface.document.FaceCheckProcessor;
import org.ingestface.document.FaceProcessor;
import org.ingestface.endpoint.FaceClient;
import org.ingestface.endpoint.FaceEndpoints;
import org.ingestface.endpoint.FaceStats;
import org.ingestface.endpoint.RestFaceStatsAction;
import org.ingestface.endpoint.TransportFaceStatsAction;
import org.ingestface.resend.ResendFilter;
import org.ingestface.rights.CallersRights;
import org.ingestface.rights.FaceRights;
import org.ingestface.rights.TransportWriteFacesAction;
import org.ingestface.rights.WriteFacesAction;
import org.ingestface.search.FaceVectorBuilder;
import org.ingestface.search.Gallery;

/**
 * The plugin {@code ingest-face}. Adds the ingest processors {@code face} ({@link FaceProcessor}) and {@code face_check}
 * ({@link FaceCheckProcessor}), the query vector builder {@code face} ({@link FaceVectorBuilder}), {@code GET _face/stats}
 * ({@link FaceStats}), a filter of bulk requests ({@link ResendFilter}), the right to write faces ({@link WriteFacesAction}) and the node
 * settings {@code face.*} ({@link FaceEndpoints}).
 *
 * <p>Dependencies between the packages run one way: this one uses all others; {@code resend} (the filter) uses {@code document};
 * {@code document} (the processors) uses {@code search}, {@code endpoint} and {@code rights}; {@code search} uses {@code endpoint} and
 * {@code calibration}; any may use {@code common}. {@code PackagesTests} checks it.
 */
public final class FacePlugin extends VersionedPlugin implements IngestPlugin, SearchPlugin, ReloadablePlugin {

    private final FaceEndpoints endpoints;
    private final SetOnce<FaceClient> client = new SetOnce<>();
    private final SetOnce<Gallery> gallery = new SetOnce<>();
    private final SetOnce<FaceRights> rights = new SetOnce<>();
    private final SetOnce<IngestService> ingestService = new SetOnce<>();
    private final SetOnce<ResendFilter> filter = new SetOnce<>();

    /** @param settings of the node, with its keystore still open */
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
        client.set(new FaceClient(endpoints, services.threadPool(), services.environment().configDir()));
        Calibrations calibrations = new Calibrations(services.clusterService()::state, services.indexNameExpressionResolver());
        gallery.set(new Gallery(services.client(), services.xContentRegistry(), services.threadPool(), calibrations::thresholds));
        rights.set(new CallersRights(services.client(), services.threadPool().getThreadContext()));
        filter.set(new ResendFilter(services, ingestService::get));
        // For the injector, which passes it to TransportFaceStatsAction.
        return List.of(client.get());
    }

    @Override
    public Map<String, Processor.Factory> getProcessors(Processor.Parameters parameters) {
        ingestService.set(parameters.ingestService);
        return Map.of(
            FaceProcessor.TYPE,
            new FaceProcessor.Factory(client::get, gallery::get, rights::get),
            FaceCheckProcessor.TYPE,
            new FaceCheckProcessor.Factory(rights::get)
        );
    }

    @Override
    public List<QueryVectorBuilderSpec<?>> getQueryVectorBuilders() {
        return List.of(FaceVectorBuilder.spec(client::get));
    }

    @Override
    public Collection<MappedActionFilter> getMappedActionFilters() {
        return List.of(filter.get());
    }

    @Override
    List<PluginAction<?, ?>> actions() {
        return List.of(
            new PluginAction<>(FaceStats.ACTION, TransportFaceStatsAction.class),
            new PluginAction<>(WriteFacesAction.TYPE, TransportWriteFacesAction.class)
        );
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
