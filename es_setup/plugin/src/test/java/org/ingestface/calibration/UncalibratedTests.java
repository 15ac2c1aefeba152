package org.ingestface.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UncalibratedTests {

    private static Uncalibrated read(String mapping) {
        return Uncalibrated.read(XContentHelper.convertToMap(JsonXContent.jsonXContent, mapping, false));
    }

    private static String withThresholds(String thresholds) {
        return "{\"_meta\": {\"ingest_face\": {\"model\": \"m\", \"thresholds\": " + thresholds + "}}}";
    }

    @Test
    void aMatchBeginsAtPossible() {
        assertEquals(new Uncalibrated(0.3), read(withThresholds("{\"strong\": 0.5, \"possible\": 0.3, \"unknown\": 1}")));
        assertEquals(new Uncalibrated(-1), read(withThresholds("{\"strong\": -1, \"possible\": -1}")));
    }

    @ParameterizedTest
    @ValueSource(strings = { "{}", "{'_meta': {}}", "{'_meta': {'ingest_face': 'm'}}", "{'_meta': {'ingest_face': {'model': 'm'}}}" })
    void anIndexOfAnEarlierReleaseHasNone(String mapping) {
        assertNull(read(mapping.replace('\'', '"')));
        assertNull(read(withThresholds("null")));
    }

    @ParameterizedTest
    @ValueSource(strings = { "facenet-99ac6764", "facenet-sface-99ac6764", "facenet-thorough-99ac6764", "deepface-99ac6764" })
    void withoutThemAModelWithFacenetsNetworkHasThoseOfFacenet(String model) {
        assertEquals(new Uncalibrated(0.46), Uncalibrated.of(model));
    }

    @ParameterizedTest
    @ValueSource(strings = { "Dlib-99ac6764", "OpenFace-99ac6764", "DeepFace-99ac6764", "m" })
    void withoutThemNoFaceMatchesOneOfAnotherModel(String model) {
        assertTrue(Uncalibrated.of(model).possible() > 1);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            0.46                              | strong   | null | -1 to 1
            {"possible": 0.3}                 | strong   | null | -1 to 1
            {"strong": 0.6}                   | possible | null | -1 to 1
            {"strong": "0.6", "possible": 0}  | strong   | 0.6  | -1 to 1
            {"strong": 46, "possible": 0}     | strong   | 46   | -1 to 1
            {"strong": 0.6, "possible": true} | possible | true | -1 to 1
            """
    )
    void anInvalidValueIsNamedWithItsRange(String thresholds, String name, String value, String range) {
        String message = assertThrows(IllegalArgumentException.class, () -> read(withThresholds(thresholds))).getMessage();
        assertEquals(List.of(name, value), Facts.of(message));
        assertTrue(message.contains(range), message);
    }

    @Test
    void possibleIsNeverAboveStrong() {
        String mapping = withThresholds("{\"strong\": 0.3, \"possible\": 0.5}");
        String message = assertThrows(IllegalArgumentException.class, () -> read(mapping)).getMessage();
        assertEquals(List.of("possible", "0.5", "strong", "0.3"), Facts.of(message));
    }
}
