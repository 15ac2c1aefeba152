package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.xcontent.json.JsonXContent;
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
    void whatIngestNeedsIsRead() {
        assertEquals(new Calibration("m", 0.673, 21.3, -9.8), read(STORED));
        Calibration whole = read("""
            {"model": "m", "similarity": 1, "fpir": 0, "gallery_size": 1, "fnir": 1, "logistic": {"slope": 20, "offset": 0},
             "data": {"people": 5, "photos": 10}, "made": "2026-11-25", "by": "a later version"}""");
        assertEquals(new Calibration("m", 1, 20, 0), whole);
    }

    @Test
    void aProbabilityIsThatOfTheLogisticMap() {
        Calibration calibration = new Calibration("m", 0.6, 20, -10);
        assertEquals(0.5, calibration.probability(0.5), 1e-12);
        assertEquals(0.9525741268, calibration.probability(0.65), 1e-9);
        assertEquals(0.0474258732, calibration.probability(0.35), 1e-9);
        assertEquals(1, new Calibration("m", 0.6, 1e300, 0).probability(1));
        assertEquals(0, new Calibration("m", 0.6, 1e300, 0).probability(-1));
    }

    @ParameterizedTest
    @CsvSource({ "0.7, 20, -10, 0.5", "0.4, 20, -10, 0.4", "0.7, 21.3, -9.8, 0.4601", "0.7, 1, 5, -1" })
    void possibleIsWhereTheMapSaysOneHalfAndNeverAboveAMatch(double similarity, double slope, double offset, double possible) {
        assertEquals(possible, new Calibration("m", similarity, slope, offset).possible());
    }

    @ParameterizedTest
    @ValueSource(strings = { "{}", "{'_meta': {}}", "{'_meta': {'ingest_face': 'm'}}", "{'_meta': {'ingest_face': {'model': 'm'}}}" })
    void anIndexMayHaveNone(String mapping) {
        Map<String, Object> read = XContentHelper.convertToMap(JsonXContent.jsonXContent, mapping.replace('\'', '"'), false);
        assertNull(Calibration.read(read));
        assertNull(read("null"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "0.673", "\"0.673\"", "true", "[0.673]", "{}", "{\"model\": 7, \"similarity\": 0.673}" })
    void whatIsNoCalibrationIsSaidToBeNone(String other) {
        String message = assertThrows(IllegalArgumentException.class, () -> read(other)).getMessage();
        assertEquals("[_meta.ingest_face.calibration] is no object with a [model]", message);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        textBlock = """
            0.673                           | "0.673"                         | [similarity] is [0.673], not a number from -1 to 1
            0.673                           | null                            | [similarity] is [null], not a number from -1 to 1
            0.673                           | [0.673]                         | [similarity] is [[0.673]], not a number from -1 to 1
            0.673                           | 1e999                           | [similarity] is [Infinity], not a number from -1 to 1
            0.673                           | 1.001                           | [similarity] is [1.001], not a number from -1 to 1
            0.673                           | -67.3                           | [similarity] is [-67.3], not a number from -1 to 1
            21.3                            | 0                               | [logistic.slope] is [0], not a number above 0
            21.3                            | -21.3                           | [logistic.slope] is [-21.3], not a number above 0
            21.3                            | true                            | [logistic.slope] is [true], not a number above 0
            -9.8                            | {}                              | [logistic.offset] is [{}], not a number
            {"slope": 21.3, "offset": -9.8} | [21.3, -9.8]                    | [logistic.slope] is [null], not a number above 0
            {"slope": 21.3, "offset": -9.8} | {"slope": 21.3}                 | [logistic.offset] is [null], not a number
            "fpir": 0.01                    | "fpir": "x"                     | [fpir] is [x], not a number from 0 to 1
            "fnir": 0.187                   | "fnir": 5                       | [fnir] is [5], not a number from 0 to 1
            746                             | 0                               | [gallery_size] is [0], not a number of 1 or more
            "photos": 3811                  | "photo": 3811                   | [data.photos] is [null], not a number of 1 or more
            "2026-11-25"                    | "yesterday"                     | [made] is [yesterday], not a day such as 2025-01-31
            """
    )
    void aValueThatCannotBeIsNamed(String good, String bad, String message) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> read(STORED.replace(good, bad))).getMessage());
    }
}
