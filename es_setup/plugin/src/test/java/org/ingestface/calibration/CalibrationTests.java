package org.ingestface.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationTests {

    /** What {@code faces calibrate} stores. */
    private static final String STORED = """
        {"model": "m", "similarity": 0.673, "fpir": 0.01, "gallery_size": 746, "fnir": 0.187,
         "logistic": {"slope": 21.3, "offset": -9.8}, "data": {"people": 2086, "photos": 3811}, "made": "2026-11-25"}""";

    private static Calibration read(String calibration) {
        String mapping = "{\"_meta\": {\"ingest_face\": {\"model\": \"m\", \"calibration\": " + calibration + "}}, \"properties\": {}}";
        return Calibration.read(XContentHelper.convertToMap(JsonXContent.jsonXContent, mapping, false));
    }

    @Test
    void theModelTheThresholdAndTheLogisticMapAreRead() {
        assertEquals(new Calibration("m", 0.673, 21.3, -9.8), read(STORED));
        Calibration newer = read("""
            {"model": "m", "similarity": 1, "fpir": 0, "gallery_size": 1, "fnir": 1, "logistic": {"slope": 20, "offset": 0},
             "data": {"people": 5, "photos": 10}, "made": "2026-11-25", "unknown": "of a later version"}""");
        assertEquals(new Calibration("m", 1, 20, 0), newer);
    }

    @Test
    void theProbabilityIsThatOfTheLogisticMap() {
        Calibration calibration = new Calibration("m", 0.6, 20, -10);
        assertEquals(0.5, calibration.probability(0.5), 1e-12);
        assertEquals(0.9525741268, calibration.probability(0.65), 1e-9);
        assertEquals(0.0474258732, calibration.probability(0.35), 1e-9);
        assertEquals(1, new Calibration("m", 0.6, 1e300, 0).probability(1));
        assertEquals(0, new Calibration("m", 0.6, 1e300, 0).probability(-1));
    }

    @ParameterizedTest
    @CsvSource({ "0.7, 20, -10, 0.5", "0.4, 20, -10, 0.4", "0.7, 21.3, -9.8, 0.4601", "0.7, 1, 5, -1" })
    void theCandidateThresholdIsWhereTheProbabilityIsOneHalfAndNeverAboveThatOfAMatch(double similarity, double slope, double offset, double possible) {
        assertEquals(possible, new Calibration("m", similarity, slope, offset).candidateThreshold());
    }

    @ParameterizedTest
    @ValueSource(strings = { "{}", "{'_meta': {}}", "{'_meta': {'ingest_face': 'm'}}", "{'_meta': {'ingest_face': {'model': 'm'}}}" })
    void anIndexMayHaveNoCalibration(String mapping) {
        Map<String, Object> read = XContentHelper.convertToMap(JsonXContent.jsonXContent, mapping.replace('\'', '"'), false);
        assertNull(Calibration.read(read));
        assertNull(read("null"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "0.673", "\"0.673\"", "true", "[0.673]", "{}", "{\"model\": 7, \"similarity\": 0.673}" })
    void aCalibrationMustBeAnObjectWithAModel(String other) {
        String message = assertThrows(IllegalArgumentException.class, () -> read(other)).getMessage();
        assertEquals(List.of("_meta.ingest_face.calibration", "model"), Facts.of(message));
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            0.673                           | "0.673"                         | similarity      | 0.673     | -1 to 1
            0.673                           | null                            | similarity      | null      | -1 to 1
            0.673                           | [0.673]                         | similarity      | 0.673     | -1 to 1
            0.673                           | 1e999                           | similarity      | Infinity  | -1 to 1
            0.673                           | 1.001                           | similarity      | 1.001     | -1 to 1
            0.673                           | -67.3                           | similarity      | -67.3     | -1 to 1
            21.3                            | 0                               | logistic.slope  | 0         | above 0
            21.3                            | -21.3                           | logistic.slope  | -21.3     | above 0
            21.3                            | true                            | logistic.slope  | true      | above 0
            -9.8                            | {}                              | logistic.offset | {}        |
            {"slope": 21.3, "offset": -9.8} | [21.3, -9.8]                    | logistic.slope  | null      | above 0
            {"slope": 21.3, "offset": -9.8} | {"slope": 21.3}                 | logistic.offset | null      |
            "fpir": 0.01                    | "fpir": "x"                     | fpir            | x         | 0 to 1
            "fnir": 0.187                   | "fnir": 5                       | fnir            | 5         | 0 to 1
            746                             | 0                               | gallery_size    | 0         | 1 or more
            "photos": 3811                  | "photo": 3811                   | data.photos     | null      | 1 or more
            "2026-11-25"                    | "yesterday"                     | made            | yesterday | 2025-01-31
            """
    )
    void anInvalidValueIsNamedWithItsRange(String good, String bad, String path, String value, String range) {
        String message = assertThrows(IllegalArgumentException.class, () -> read(STORED.replace(good, bad))).getMessage();
        assertEquals(List.of(path, value), Facts.of(message));
        assertTrue(range == null || message.contains(range), message);
    }
}
