package org.ingestface;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;

import com.carrotsearch.randomizedtesting.ThreadFilter;
import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import com.carrotsearch.randomizedtesting.annotations.TimeoutSuite;

import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.transport.TransportAddress;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.test.ESSingleNodeTestCase;
import org.elasticsearch.transport.netty4.Netty4Plugin;

/**
 * A real node with this plugin, for versions of Elasticsearch whose server is not on Maven Central. Elasticsearch's own test framework
 * starts it in this JVM with assertions on, and fails if a thread, a search context or a cluster setting is left behind at the end.
 *
 * <p>The system property {@code tests.node.settings} is the path of its {@code elasticsearch.yml}. Its HTTP address is written to the file
 * {@code tests.node.address}. With {@code tests.node.plugin=false} the node lacks this plugin.
 */
@TimeoutSuite(millis = 0)
@ThreadLeakFilters(filters = NodeUntilStdinEnds.EndsWithItsClient.class)
public final class NodeUntilStdinEnds extends ESSingleNodeTestCase {

    @Override
    protected Collection<Class<? extends Plugin>> getPlugins() {
        return Boolean.parseBoolean(System.getProperty("tests.node.plugin", "true"))
            ? pluginList(Netty4Plugin.class, FacePlugin.class, RootPlugin.class)
            : pluginList(Netty4Plugin.class, RootPlugin.class);
    }

    @Override
    protected boolean addMockHttpTransport() {
        return false;
    }

    @Override
    protected Settings nodeSettings() {
        try {
            return Settings.builder().put(super.nodeSettings()).loadFromPath(path("tests.node.settings")).build();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    public void testServesUntilStdinEnds() throws IOException {
        TransportAddress address = getInstanceFromNode(HttpServerTransport.class).boundAddress().publishAddress();
        Path written = path("tests.node.address");
        Path whole = Files.writeString(written.resolveSibling(written.getFileName() + ".new"), address.toString());
        Files.move(whole, written);
        System.in.readAllBytes();
    }

    /** Before Java 21 the HTTP client cannot be closed: its threads end once it is garbage and they were idle for a minute. */
    public static final class EndsWithItsClient implements ThreadFilter {

        @Override
        public boolean reject(Thread thread) {
            if (thread.getName().startsWith("HttpClient-") == false) {
                return false;
            }
            try {
                for (int second = 0; thread.isAlive() && second < 70; second++) {
                    System.gc();
                    thread.join(1000);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return thread.isAlive() == false;
        }
    }

    private static Path path(String property) {
        return Path.of(System.getProperty(property));
    }
}
