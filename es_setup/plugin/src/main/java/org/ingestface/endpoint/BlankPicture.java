package org.ingestface.endpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** A black PNG (ISO/IEC 15948) in base64. Its file is small whatever its size. */
final class BlankPicture {

    private static final byte[] SIGNATURE = { (byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

    private BlankPicture() {}

    /** @param side in pixels */
    static String base64(int side) {
        // One bit for each pixel, grey; before each row the number of its filter, 0 for none.
        byte[] rows = new byte[side * (1 + (side + 7) / 8)];
        Deflater deflater = new Deflater();
        deflater.setInput(rows);
        deflater.finish();
        byte[] compressed = new byte[rows.length];
        int length = deflater.deflate(compressed);
        deflater.end();
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        png.writeBytes(SIGNATURE);
        chunk(png, "IHDR", ByteBuffer.allocate(13).putInt(side).putInt(side).put((byte) 1));
        chunk(png, "IDAT", ByteBuffer.wrap(compressed, 0, length));
        chunk(png, "IEND", ByteBuffer.allocate(0));
        return Base64.getEncoder().encodeToString(png.toByteArray());
    }

    private static void chunk(ByteArrayOutputStream png, String name, ByteBuffer content) {
        int length = content.limit();
        byte[] named = ByteBuffer.allocate(4 + length)
            .put(name.getBytes(StandardCharsets.US_ASCII))
            .put(content.array(), 0, length)
            .array();
        CRC32 checksum = new CRC32();
        checksum.update(named);
        png.writeBytes(ByteBuffer.allocate(4).putInt(length).array());
        png.writeBytes(named);
        png.writeBytes(ByteBuffer.allocate(4).putInt((int) checksum.getValue()).array());
    }
}
