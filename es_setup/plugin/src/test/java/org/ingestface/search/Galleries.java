package org.ingestface.search;

import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.threadpool.ThreadPool;

/** Makes galleries for the tests of other packages. */
public final class Galleries {

    private Galleries() {}

    /** One that can only be asked about no face. */
    public static Gallery empty(ThreadPool threadPool) {
        return new Gallery(null, null, threadPool, new IdentifyRights(Settings.EMPTY, threadPool.getThreadContext(), null), null);
    }
}
