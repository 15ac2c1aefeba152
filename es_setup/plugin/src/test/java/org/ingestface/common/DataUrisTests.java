package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Base64;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataUrisTests {

    private static final byte[] PHOTO = new byte[256];
    static {
        for (int i = 0; i < PHOTO.length; i++) {
            PHOTO[i] = (byte) (255 - i);
        }
    }

    private static final String STANDARD = Base64.getEncoder().encodeToString(PHOTO);
    private static final String URL_SAFE = Base64.getUrlEncoder().withoutPadding().encodeToString(PHOTO);

    /** Every byte as an escape, or only the letters of base64 that have a meaning in a form. */
    private static String percentEncoded(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(String.format("%%%02x", value));
        }
        return text.toString();
    }

    private static String escaped(String base64) {
        return base64.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "{standard}",
            "{url}",
            "{mime}",
            " \n{standard}\n",
            "data:image/jpeg;base64,{standard}",
            "data:;base64,{url}",
            "DATA:image/jpeg;BASE64,{standard}",
            "data:image/jpeg;name=my%20photo.jpg;base64,{standard}",
            "data:image/jpeg;name=\"a, b;c.jpg\";base64,{mime}",
            "data:image/jpeg;name=5\" wide.jpg;base64,{standard}",
            "data:image/jpeg;a=1;b=2;c=3;d=4;e=5;f=6;g=7;base64,{standard}",
            "data:image/jpeg;base64,{escaped}",
            "data:,{percent}",
            "data:image/jpeg;charset=utf-8,{percent}" }
    )
    void aPhotosBytesAreTheSameHoweverTheyAreSent(String form) {
        String sent = form.replace("{standard}", STANDARD)
            .replace("{url}", URL_SAFE)
            .replace("{mime}", Base64.getMimeEncoder().encodeToString(PHOTO))
            .replace("{escaped}", escaped(STANDARD))
            .replace("{percent}", percentEncoded(PHOTO));
        assertArrayEquals(PHOTO, DataUris.photoBytes(sent));
    }

    @ParameterizedTest
    @ValueSource(strings = { "AAAAA", "AA!A", "AA=A", "http://localhost/a.jpg", "data:image/png;base64", "data:;base64,AA%ZZ", "ä" })
    void whatIsNotBase64HasNoBytes(String sent) {
        assertNull(DataUris.photoBytes(sent));
    }

    @ParameterizedTest
    @ValueSource(strings = { "\"", ";", "%", "a" })
    void aHeaderWithoutAnEndIsRefusedWhateverItsLength(String part) {
        assertNull(DataUris.photoBytes("data:" + part.repeat(1_000_000)));
    }
}
