package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

class NamesTests {

    @Test
    void whatAKeywordWouldIndexIsAName() {
        assertEquals("Zoe", Names.plain("Zoe"));
        assertEquals("Zoe", Names.plain(" Zoe\t"));
        assertEquals("4711", Names.plain(4711));
        assertEquals("true", Names.plain(true));
        assertEquals("Zoe", Names.plain(List.of("Zoe")));
        assertEquals("Zoe", Names.plain(Arrays.asList("Zoe", null, "", " Zoe")));
    }

    @Test
    void blanksObjectsAndSeveralNamesAreNone() {
        assertNull(Names.plain(null));
        assertNull(Names.plain(""));
        assertNull(Names.plain(" \u2003 "));
        assertNull(Names.plain(List.of()));
        assertNull(Names.plain(List.of("Zoe", "Ann")));
        assertNull(Names.plain(Map.of("name", "Zoe")));
    }

    @Test
    void bothSpellingsOfAnAccentedLetterAreOneName() {
        assertEquals("Zo\u00eb", Names.plain("Zoe\u0308"));
        assertEquals("Zo\u00eb", Names.plain(List.of("Zo\u00eb", "Zoe\u0308")));
    }
}
