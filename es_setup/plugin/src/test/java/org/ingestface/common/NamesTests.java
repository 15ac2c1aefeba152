package org.ingestface.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class NamesTests {

    @Test
    void whatAKeywordWouldIndexIsAName() {
        assertEquals("Zoe", Names.plain("Zoe"));
        assertEquals("Zoe", Names.plain(" Zoe\t"));
        assertEquals("Zoe\u00a0Ann", Names.plain("\u00a0Zoe\u00a0Ann\u202f"));
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
        assertNull(Names.plain("\u200b\ufeff"));
        assertNull(Names.plain("\u00a0\u0000"));
        assertNull(Names.plain(List.of()));
        assertNull(Names.plain(List.of("Zoe", "Ann")));
        assertNull(Names.plain(Map.of("name", "Zoe")));
    }

    @Test
    void bothSpellingsOfAnAccentedLetterAreOneName() {
        assertEquals("Zo\u00eb", Names.plain("Zoe\u0308"));
        assertEquals("Zo\u00eb", Names.plain(List.of("Zo\u00eb", "Zoe\u0308")));
    }

    @Test
    void aTidyValueHasOneFormAndAnObjectIsNoName() {
        assertEquals("Zoe", Names.tidy(List.of(" Zoe", "Zoe")));
        assertEquals(List.of("Zoe", "5"), Names.tidy(List.of("Zoe ", 5)));
        assertNull(Names.tidy(List.of("", " ")));
        Object object = List.of(Map.of("first", "Zoe"));
        assertEquals(object, Names.tidy(object));
    }

    @Test
    @Timeout(20)
    void aLongNameTakesTimeInProportion() {
        String name = "Zoe" + "\u0315\u0300".repeat(300_000) + " ".repeat(300_000) + "Ann";
        assertEquals(name, Names.plain(name + "\u00a0"));
    }

    @Test
    void aLetterMayHaveAllMarksOfItsLanguage() {
        assertEquals("\u1e69" + "\u0301".repeat(28), Names.plain("s\u0307\u0323" + "\u0301".repeat(28)));
    }
}
