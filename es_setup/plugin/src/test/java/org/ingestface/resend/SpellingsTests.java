package org.ingestface.resend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpellingsTests {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{'a': {'b': 1, 'c': 3}} | {'a': {'b': 1, 'c': 3}, 'a.b': 2}             | {'a': {'b': 2, 'c': 3}}",
        "{'a.b': 1}              | {'a.b': 1, 'a': {'b': 2}}                     | {'a': {'b': 2}}",
        "{'a.b': 1}              | {'a.b': 2}                                    | {'a.b': 2}",
        "{'a': {'b': 1}}         | {'a': {'b': 1}, 'a.b': null}                  | {'a': {'b': null}}",
        "{'a.b': 1}              | {'a.b': 1, 'a': {'b': null}}                  | {'a': {'b': null}}",
        "{'a': {'b': [1, 2]}}    | {'a': {'b': [1, 2]}, 'a.b': [1]}              | {'a': {'b': [1]}}",
        "{'a': {'b': {'c': 1}}}  | {'a': {'b': {'c': 1}}, 'a.b.c': 2}            | {'a': {'b': {'c': 2}}}",
        "{'a': {'b': {'c': 1}}}  | {'a': {'b': {'c': 1}, 'b.c': 2}}              | {'a': {'b': {'c': 2}}}",
        "{'a': {'b': 1}}         | {'a': {'b': 1}, 'a.d': 2}                     | {'a': {'b': 1}, 'a.d': 2}",
        "{'a': {'b': 1}, 'a.b': 2} | {'a': {'b': 1}, 'a.b': 2, 'd': 3}           | {'a': {'b': 1}, 'a.b': 2, 'd': 3}" })
    void whatIsNewTakesTheStoredValuesPlace(String before, String after, String expected) {
        Map<String, Object> folded = map(after);
        Spellings.fold(map(before), folded);
        assertEquals(map(expected), folded);
    }

    private static Map<String, Object> map(String text) {
        return XContentHelper.convertToMap(JsonXContent.jsonXContent, text.replace('\'', '"'), true);
    }
}
