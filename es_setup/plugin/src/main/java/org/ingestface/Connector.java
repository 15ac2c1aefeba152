package org.ingestface;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executor;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The HTTP client of one endpoint, made anew when its settings of connecting change. */
final class Connector {

    private final Executor executor;
    private final Path configFolder;
    private Endpoint.Connecting madeFor;
    private HttpClient http;

    /** @param configFolder where relative paths of certificate authorities begin, and which none may leave */
    Connector(Executor executor, Path configFolder) {
        this.executor = executor;
        this.configFolder = configFolder;
    }

    /** A file of certificate authorities cannot be used; the message names it as the setting does. */
    static final class UnusableAuthorities extends Exception {

        private static final long serialVersionUID = 1L;

        private UnusableAuthorities(String message) {
            super(message);
        }
    }

    synchronized HttpClient http(Endpoint.Connecting connecting) throws UnusableAuthorities {
        if (connecting.equals(madeFor) == false) {
            HttpClient.Builder builder = HttpClient.newBuilder()
                // Offering HTTP/2 in clear means an Upgrade header, which Python's servers do not all take well.
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                // Photos go to the configured hosts only, not by way of a proxy that the JVM happens to be given.
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(Duration.ofMillis(connecting.connectTimeout().millis()))
                .executor(executor);
            if (connecting.certificateAuthorities().isEmpty() == false) {
                builder.sslContext(trusting(connecting.certificateAuthorities()));
            }
            // The former one ends by itself once its last request has.
            http = builder.build();
            madeFor = connecting;
        }
        return http;
    }

    /** Once nothing is under way any more. */
    synchronized void close() {
        // From Java 21 on; before, its one thread ends when nobody refers to it any more.
        if ((Object) http instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        http = null;
        madeFor = null;
    }

    private SSLContext trusting(List<String> paths) throws UnusableAuthorities {
        try {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            for (String path : paths) {
                for (Certificate authority : read(path)) {
                    trusted.setCertificateEntry("authority-" + trusted.size(), authority);
                }
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new UnusableAuthorities("the certificate authorities cannot be used: " + e.getClass().getSimpleName());
        }
    }

    private Collection<? extends Certificate> read(String path) throws UnusableAuthorities {
        Path file = configFolder.resolve(path).normalize();
        if (file.startsWith(configFolder) == false) {
            throw new UnusableAuthorities("the file [" + path + "] is not below the config folder");
        }
        try (InputStream pem = Files.newInputStream(file)) {
            Collection<? extends Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(pem);
            if (found.isEmpty()) {
                throw new UnusableAuthorities("the file [" + path + "] holds no certificate");
            }
            return found;
        } catch (NoSuchFileException e) {
            throw new UnusableAuthorities("there is no file [" + path + "] in the config folder");
        } catch (AccessDeniedException e) {
            throw new UnusableAuthorities("the file [" + path + "] cannot be read: access denied");
        } catch (CertificateException e) {
            throw new UnusableAuthorities("the file [" + path + "] is not in PEM format");
        } catch (IOException e) {
            throw new UnusableAuthorities("the file [" + path + "] cannot be read: " + e.getClass().getSimpleName());
        }
    }
}
