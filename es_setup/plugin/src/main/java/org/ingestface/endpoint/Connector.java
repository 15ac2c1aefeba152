package org.ingestface.endpoint;

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

/** Holds the HTTP client of one endpoint and replaces it when the connection settings change. */
final class Connector {

    private final Executor executor;
    private final Path configFolder;
    private Endpoint.ConnectionSettings builtFor;
    private HttpClient http;

    /** @param configFolder the folder that paths of certificate authorities are relative to and cannot leave */
    Connector(Executor executor, Path configFolder) {
        this.executor = executor;
        this.configFolder = configFolder;
    }

    /** A file of certificate authorities cannot be used. The message names it as the setting does. */
    static final class InvalidAuthorities extends Exception {

        private static final long serialVersionUID = 1L;

        private InvalidAuthorities(String message) {
            super(message);
        }
    }

    synchronized HttpClient http(Endpoint.ConnectionSettings settings) throws InvalidAuthorities {
        if (settings.equals(builtFor) == false) {
            HttpClient.Builder builder = HttpClient.newBuilder()
                // HTTP/2 over plain text needs an Upgrade header, which not all Python servers handle well.
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                // Photos go only to the configured hosts, never through a proxy that the JVM is set up with.
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(Duration.ofMillis(settings.connectTimeout().millis()))
                .executor(executor);
            if (settings.certificateAuthorities().isEmpty() == false) {
                builder.sslContext(sslContext(settings.certificateAuthorities()));
            }
            // The previous client ends by itself after its last request.
            http = builder.build();
            builtFor = settings;
        }
        return http;
    }

    /** To be called when no request is in progress. */
    synchronized void close() {
        // Closeable from Java 21 on. Before that, its thread ends once the client is garbage.
        if ((Object) http instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        http = null;
        builtFor = null;
    }

    private SSLContext sslContext(List<String> paths) throws InvalidAuthorities {
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
            throw new InvalidAuthorities("the certificate authorities cannot be used: " + e.getClass().getSimpleName());
        }
    }

    private Collection<? extends Certificate> read(String path) throws InvalidAuthorities {
        Path file = configFolder.resolve(path).normalize();
        if (file.startsWith(configFolder) == false) {
            throw new InvalidAuthorities("the file [" + path + "] is not below the config folder");
        }
        try (InputStream pem = Files.newInputStream(file)) {
            Collection<? extends Certificate> found = CertificateFactory.getInstance("X.509").generateCertificates(pem);
            if (found.isEmpty()) {
                throw new InvalidAuthorities("the file [" + path + "] holds no certificate");
            }
            return found;
        } catch (NoSuchFileException e) {
            throw new InvalidAuthorities("there is no file [" + path + "] in the config folder");
        } catch (AccessDeniedException e) {
            throw new InvalidAuthorities("the file [" + path + "] cannot be read: access denied");
        } catch (CertificateException e) {
            throw new InvalidAuthorities("the file [" + path + "] is not in PEM format");
        } catch (IOException e) {
            throw new InvalidAuthorities("the file [" + path + "] cannot be read: " + e.getClass().getSimpleName());
        }
    }
}
