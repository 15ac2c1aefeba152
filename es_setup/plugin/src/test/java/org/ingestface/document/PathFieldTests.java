package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.ingestface.common.DottedPaths;
import org.junit.jupiter.api.Test;

class PathFieldTests {

    private static Map<String, Object> copied(Map<String, Object> source) {
        Map<String, Object> document = new HashMap<>(source);
        PathField.copy(new PathField("path.real"), document);
        return document;
    }

    private static Object pathIn(Map<String, Object> source) {
        return DottedPaths.get(copied(source), "file.path");
    }

    @Test
    void theCrawlersPathBecomesTheFilesPathAndName() {
        Map<String, Object> file = new HashMap<>(Map.of("filesize", 5));
        Map<String, Object> unix = copied(Map.of("path", Map.of("real", "/photos/Ann/1.jpg"), "file", file));
        assertEquals(Map.of("filesize", 5, "path", "/photos/Ann/1.jpg", "name", "1.jpg"), unix.get("file"));
        Map<String, Object> windows = copied(Map.of("path.real", "C:\\photos\\1.jpg"));
        assertEquals(Map.of("path", "C:\\photos\\1.jpg", "name", "1.jpg"), windows.get("file"));
    }

    @Test
    void itReplacesThePathWhereThePhotoWasBeforeAndIsInFormNfc() {
        Map<String, Object> earlier = Map.of("path.real", "/b/e\u0301.jpg", "file", new HashMap<>(Map.of("path", "/a/x.jpg")));
        assertEquals("/b/\u00e9.jpg", pathIn(earlier));
    }

    @Test
    void whatIsNoPathIsLeftAlone() {
        for (Object other : List.of("", " ", 5, List.of("/a.jpg"), Map.of("a", "b"))) {
            Map<String, Object> source = Map.of("path", Map.of("real", other), "file", Map.of("path", "mine.jpg"));
            assertEquals(source, copied(source));
        }
        assertEquals(Map.of("file", "a text"), copied(Map.of("file", "a text")));
    }
}
