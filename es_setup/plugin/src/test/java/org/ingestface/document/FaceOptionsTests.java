package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.ElasticsearchParseException;
import org.ingestface.common.Facts;
import org.ingestface.endpoint.FaceRequest;
import org.ingestface.search.Gallery;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FaceOptionsTests {

    private static FaceOptions read(Map<String, Object> config) {
        return FaceOptions.read("tag", config, query -> {
            if (query.containsKey("term") == false) {
                throw new IllegalArgumentException("unknown query [" + query.keySet().iterator().next() + "]");
            }
        });
    }

    private static FaceOptions options(Map<String, Object> config) {
        return read(new HashMap<>(config));
    }

    private static String optionError(Map<String, Object> config) {
        return assertThrows(ElasticsearchParseException.class, () -> options(config)).getMessage();
    }

    @Test
    void optionsHaveDefaults() {
        assertEquals(
            new FaceOptions(
                "image",
                null,
                null,
                "default",
                null,
                false,
                FaceRequest.Limits.NONE,
                true,
                false,
                false,
                FaceOptions.OnError.KEEP,
                FaceOptions.OnUnavailable.FAIL,
                null
            ),
            options(Map.of())
        );
        assertEquals(new Gallery.Lookup("g", 5, null, List.of()), options(Map.of("identify", Map.of("index", "g"))).identify());
    }

    @Test
    void allOptionsAreReadAndUnknownOnesAreLeftForElasticsearchToRefuse() {
        Map<String, Object> config = new HashMap<>();
        config.putAll(Map.of("field", "f", "target_field", "t", "endpoint", "e", "model", "m", "single_face", false));
        config.putAll(Map.of("max_faces", 3, "min_confidence", "0.5", "min_quality", 0.25, "remove_binary", false, "ignore_missing", true));
        config.putAll(Map.of("override", true, "on_error", "fail", "on_unavailable", "keep", "unknown", 1));
        Map<String, Object> term = Map.of("term", Map.of("tags", "staff"));
        config.put("identify", Map.of("index", "g", "k", 2, "similarity", 0.7, "filter", term));
        assertEquals(
            new FaceOptions(
                "f",
                "t",
                null,
                "e",
                "m",
                false,
                new FaceRequest.Limits(3, 0.5, 0.25),
                false,
                true,
                true,
                FaceOptions.OnError.FAIL,
                FaceOptions.OnUnavailable.KEEP,
                new Gallery.Lookup("g", 2, 0.7, List.of(term))
            ),
            read(config)
        );
        assertEquals(Map.of("unknown", 1), config);
    }

    /** Checks that the message has these and no other values in brackets, in this order. */
    private static void assertFacts(String message, String... facts) {
        assertEquals(List.of(facts), Facts.of(message), message);
    }

    @Test
    void theErrorOfAnInvalidOptionHasItsValueAndWhatIsValid() {
        assertFacts(optionError(Map.of("on_error", "drop")), "on_error", "drop", "keep, fail");
        assertFacts(optionError(Map.of("on_unavailable", "wait")), "on_unavailable", "wait", "fail, keep");
        assertFacts(optionError(Map.of("field", 1)), "field", "java.lang.Integer");
        assertFacts(optionError(Map.of("max_faces", 0)), "max_faces", "1", "1000", "0");
        assertFacts(optionError(Map.of("max_faces", 1.5)), "max_faces", "1.5");
        assertFacts(optionError(Map.of("max_faces", "all")), "max_faces", "all");
        assertFacts(optionError(Map.of("min_quality", 70)), "min_quality", "0", "1", "70");
        assertFacts(optionError(Map.of("min_confidence", Double.NaN)), "min_confidence", "0", "1", "NaN");
        assertFacts(optionError(Map.of("model", "")), "model");
        for (String wrong : List.of("", " ", ".", "a..b", ".image", "_source.")) {
            assertFacts(optionError(Map.of("field", wrong)), "field", wrong, "image");
        }
        for (String wrong : List.of("", "..", "a..b", "_source", "_id", "a".repeat(201))) {
            assertFacts(optionError(Map.of("target_field", wrong)), "target_field", wrong, "portrait");
        }
        assertFacts(optionError(Map.of("path_field", "a..b")), "path_field", "a..b", "path.real");
        Map<String, Object> both = Map.of("path_field", "path.real", "target_field", "portrait");
        assertFacts(optionError(both), "path_field", "target_field", "file.path");
    }

    private static String identifyError(Object identify) {
        return optionError(Map.of("identify", identify));
    }

    @Test
    void theOptionsOfIdentifyAreCheckedToo() {
        assertFacts(identifyError("g"), "identify", "java.lang.String");
        assertFacts(identifyError(Map.of("k", 1)), "identify", "index", "face-gallery");
        assertFacts(
            identifyError(Map.of("index", "g", "threshold", 1)),
            "identify",
            "threshold",
            "index, k, similarity, filter"
        );
        assertFacts(
            identifyError(Map.of("index", new ArrayList<>(List.of("a", "b")))),
            "identify",
            "index",
            "face-gallery",
            "java.util.ArrayList"
        );
        assertFacts(identifyError(Map.of("index", "g", "k", 1000)), "identify", "k", "1", "100", "1000");
        assertFacts(identifyError(Map.of("index", "g", "k", 1.5)), "identify", "k", "1.5");
        assertFacts(identifyError(Map.of("index", "g", "similarity", 46)), "identify", "similarity", "-1", "1", "46");
        String unknownQuery = identifyError(Map.of("index", "g", "filter", List.of(Map.of("tags", "watch"))));
        assertFacts(unknownQuery, "identify", "filter", "tags");
        assertFacts(identifyError(Map.of("index", "g", "filter", "tags: watch")), "identify", "filter");
        String combined = optionError(Map.of("identify", Map.of("index", "g"), "single_face", true));
        assertFacts(combined, "identify", "single_face");
    }

    @Test
    void theFieldsThatAreWrittenDependOnSingleFaceAndOnTheTarget() {
        assertEquals("vector", options(Map.of("field", "vector")).field());
        assertEquals("faces", options(Map.of("field", "faces", "single_face", true)).field());
        assertEquals("photo", options(Map.of("field", "photo", "target_field", "portrait")).field());
        String message = optionError(Map.of("field", "portrait.photo.width", "target_field", "portrait"));
        assertFacts(message, "field", "portrait.photo.width", "portrait.photo.width", "target_field");
        assertEquals("portrait", options(Map.of("target_field", "_source.portrait.")).targetField());
        assertNull(options(Map.of()).targetField());
    }

    @ParameterizedTest
    @CsvSource(
        textBlock = """
            photo,            photo.width
            photo.width,      photo.width
            _source.photo.,   photo.width
            thumbnail,        thumbnail
            faces,            faces
            faces.x,          faces
            faces.0.crop,     faces
            face_count,       face_count
            best_quality,     best_quality
            error,            error
            error.photo,      error
            model,            model.id
            model.digest.x,   model.digest
            file,             file.size
            file.hash,        file.hash.sha256
            event,            event.ingested
            event.outcome,    event.outcome
            tags,             tags
            @timestamp,       @timestamp
            """
    )
    void theFieldCannotBeOneThatTheProcessorWrites(String field, String written) {
        assertFacts(optionError(Map.of("field", field)), "field", field, written, "image");
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo.raw", "photos", "faces_raw", "file.content", "model.image", "event.original", "my.photo", "_ingest.photo" })
    void theFieldCanBeNextToOneThatTheProcessorWrites(String field) {
        assertEquals(field, options(Map.of("field", field)).field());
    }
}
