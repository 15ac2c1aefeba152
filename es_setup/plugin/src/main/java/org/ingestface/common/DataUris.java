package org.ingestface.common;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.elasticsearch.core.Nullable;

/** A photo's bytes from the text that was sent: base64, or a {@code data:} URI (RFC 2397). As the service's {@code data_uris.py}. */
public final class DataUris {

    /** Characters before a {@code data:} URI's comma. */
    private static final int LONGEST_HEADER = 2048;

    /** A comma in a quoted parameter does not end the header, unless its quote is only a part of a file name. */
    private static final Pattern HEADER_WITH_QUOTES = Pattern.compile("data:((?:\"[^\"]*+\"|[^\",]++)*+),", Pattern.CASE_INSENSITIVE);
    private static final Pattern HEADER = Pattern.compile("data:([^,]*+),", Pattern.CASE_INSENSITIVE);
    private static final Pattern IS_BASE64 = Pattern.compile(";\\s*base64\\s*(?:;|$)", Pattern.CASE_INSENSITIVE);

    private DataUris() {}

    /** Null if they are not base64, which the service reports. */
    @Nullable
    public static byte[] photoBytes(String sent) {
        String text = sent.stripLeading();
        String start = text.substring(0, Math.min(text.length(), "data:".length() + LONGEST_HEADER + 1));
        if (start.regionMatches(true, 0, "data:", 0, "data:".length()) == false) {
            return fromBase64(bytes(text));
        }
        Matcher header = HEADER_WITH_QUOTES.matcher(start);
        if (header.lookingAt() == false) {
            header = HEADER.matcher(start);
            if (header.lookingAt() == false) {
                return null;
            }
        }
        byte[] payload = percentDecoded(bytes(text.substring(header.end())));
        return IS_BASE64.matcher(header.group(1)).find() ? fromBase64(payload) : payload;
    }

    /** What is not ASCII is not base64 either, and stays so as a question mark. */
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Of the standard or the URL-safe alphabet, with or without padding and white space. */
    @Nullable
    private static byte[] fromBase64(byte[] encoded) {
        byte[] standard = new byte[encoded.length];
        int length = 0;
        for (byte letter : encoded) {
            switch (letter) {
                case ' ', '\t', '\r', '\n', '\f' -> {}
                case '-' -> standard[length++] = '+';
                case '_' -> standard[length++] = '/';
                default -> standard[length++] = letter;
            }
        }
        try {
            return Base64.getDecoder().decode(Arrays.copyOf(standard, length));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static byte[] percentDecoded(byte[] payload) {
        ByteArrayOutputStream decoded = new ByteArrayOutputStream(payload.length);
        for (int i = 0; i < payload.length; i++) {
            int high = payload[i] == '%' && i + 2 < payload.length ? Character.digit(payload[i + 1], 16) : -1;
            int low = high < 0 ? -1 : Character.digit(payload[i + 2], 16);
            if (low < 0) {
                decoded.write(payload[i]);
            } else {
                decoded.write(high << 4 | low);
                i += 2;
            }
        }
        return decoded.toByteArray();
    }
}
