package org.ingestface.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;

import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;

class BlankPictureTests {

    @Test
    void isAPngOfItsSizeAndASmallFile() throws IOException {
        byte[] file = Base64.getDecoder().decode(BlankPicture.base64(2_100));
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(file));
        assertEquals(2_100, image.getWidth());
        assertEquals(2_100, image.getHeight());
        assertTrue(file.length < 4_000, () -> "bytes: " + file.length);
    }
}
