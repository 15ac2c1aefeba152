package org.ingestface.search;

import java.util.function.BiFunction;

import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.threadpool.ThreadPool;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.ingestface.calibration.Calibrations;

/** Makes galleries for the tests of other packages. */
public final class Galleries {

    // A cache of Elasticsearch's needs its own logger.
    static {
        LogConfigurator.configureESLogging();
    }

    private Galleries() {}

    static Gallery of(
        Client client,
        NamedXContentRegistry queries,
        ThreadPool threadPool,
        BiFunction<String[], String, Calibrations.Thresholds> thresholds
    ) {
        IdentifyRights rights = new IdentifyRights(Settings.EMPTY, threadPool.getThreadContext(), null);
        return new Gallery(client, queries, threadPool, rights, thresholds);
    }

    /** One that can only be asked about no face. */
    public static Gallery empty(ThreadPool threadPool) {
        return of(null, null, threadPool, null);
    }
}
