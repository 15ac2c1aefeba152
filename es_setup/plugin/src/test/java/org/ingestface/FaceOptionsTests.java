package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.ElasticsearchParseException;
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
                "default",
                null,
                false,
                FaceRequest.Wanted.ALL,
                true,
                false,
                false,
                FaceOptions.OnError.KEEP,
                FaceOptions.OnUnavailable.FAIL,
                null
            ),
            options(Map.of())
        );
        assertEquals(new Gallery.Look("g", 5, null, List.of()), options(Map.of("identify", Map.of("index", "g"))).identify());
    }

    @Test
    void allOptionsAreTakenAndUnknownOnesLeftForElasticsearchToRefuse() {
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
                "e",
                "m",
                false,
                new FaceRequest.Wanted(3, 0.5, 0.25),
                false,
                true,
                true,
                FaceOptions.OnError.FAIL,
                FaceOptions.OnUnavailable.KEEP,
                new Gallery.Look("g", 2, 0.7, List.of(term))
            ),
            read(config)
        );
        assertEquals(Map.of("unknown", 1), config);
    }

    @Test
    void aWrongOptionsErrorSaysWhichAreValid() {
        assertEquals("[on_error] illegal on_error option [drop]. valid values are [keep, fail]", optionError(Map.of("on_error", "drop")));
        assertEquals(
            "[on_unavailable] illegal on_unavailable option [wait]. valid values are [fail, keep]",
            optionError(Map.of("on_unavailable", "wait"))
        );
        assertEquals("[field] property isn't a string, but of type [java.lang.Integer]", optionError(Map.of("field", 1)));
        assertEquals("[max_faces] must be between [1] and [1000] but was [0]", optionError(Map.of("max_faces", 0)));
        assertEquals("[max_faces] must be a whole number but was [1.5]", optionError(Map.of("max_faces", 1.5)));
        assertEquals("[max_faces] property cannot be converted to a number [all]", optionError(Map.of("max_faces", "all")));
        assertEquals("[min_quality] must be between [0] and [1] but was [70]", optionError(Map.of("min_quality", 70)));
        assertEquals("[min_confidence] must be between [0] and [1] but was [NaN]", optionError(Map.of("min_confidence", Double.NaN)));
        assertEquals("[model] cannot be empty; leave it out for whichever model is served", optionError(Map.of("model", "")));
        String field = "[field] cannot be [%s]: it must be the name of a field, such as [image]";
        for (String wrong : List.of("", " ", ".", "a..b", ".image", "_source.")) {
            assertEquals(field.formatted(wrong), optionError(Map.of("field", wrong)));
        }
        String target = "[target_field] cannot be [%s]: it must be the name of an object, such as [portrait]";
        for (String wrong : List.of("", "..", "a..b", "_source", "_id")) {
            assertEquals(target.formatted(wrong), optionError(Map.of("target_field", wrong)));
        }
    }

    @Test
    void identifyIsCheckedToo() {
        assertEquals("[identify] property isn't a map, but of type [java.lang.String]", optionError(Map.of("identify", "g")));
        assertEquals(
            "[identify] requires [index], the name of a gallery such as [face-gallery]",
            optionError(Map.of("identify", Map.of("k", 1)))
        );
        assertEquals(
            "[identify] doesn't support [threshold]. valid options are [index, k, similarity, filter]",
            optionError(Map.of("identify", Map.of("index", "g", "threshold", 1)))
        );
        assertEquals(
            "[identify] requires [index], the name of a gallery such as [face-gallery], and not a value of type [java.util.ArrayList]",
            optionError(Map.of("identify", Map.of("index", new ArrayList<>(List.of("a", "b")))))
        );
        assertEquals(
            "[identify] [k] must be between [1] and [100] but was [1000]",
            optionError(Map.of("identify", Map.of("index", "g", "k", 1000)))
        );
        assertEquals(
            "[identify] [k] must be a whole number but was [1.5]",
            optionError(Map.of("identify", Map.of("index", "g", "k", 1.5)))
        );
        assertEquals(
            "[identify] [similarity] must be between [-1] and [1] but was [46]",
            optionError(Map.of("identify", Map.of("index", "g", "similarity", 46)))
        );
        assertEquals(
            "[identify] [filter] is not a query: unknown query [tags]",
            optionError(Map.of("identify", Map.of("index", "g", "filter", List.of(Map.of("tags", "watch")))))
        );
        assertEquals(
            "[identify] [filter] must be a query or an array of queries",
            optionError(Map.of("identify", Map.of("index", "g", "filter", "tags: watch")))
        );
        assertEquals(
            "[identify] cannot be combined with [single_face]: a portrait says itself who it shows",
            optionError(Map.of("identify", Map.of("index", "g"), "single_face", true))
        );
    }

    @Test
    void whatIsWrittenDependsOnTheShapeAndTheTarget() {
        assertEquals("vector", options(Map.of("field", "vector")).field());
        assertEquals("faces", options(Map.of("field", "faces", "single_face", true)).field());
        assertEquals("photo", options(Map.of("field", "photo", "target_field", "portrait")).field());
        String message = optionError(Map.of("field", "portrait.photo.width", "target_field", "portrait"));
        assertEquals(
            "[field] cannot be [portrait.photo.width]: the processor writes [portrait.photo.width] itself. choose another field or "
                + "another [target_field]",
            message
        );
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
    void thePhotoMustNotBeWhereTheProcessorWrites(String field, String written) {
        assertEquals(
            "[field] cannot be [" + field + "]: the processor writes [" + written + "] itself. choose another field such as [image]",
            optionError(Map.of("field", field))
        );
    }

    @ParameterizedTest
    @ValueSource(strings = { "photo.raw", "photos", "faces_raw", "file.content", "model.image", "event.original", "my.photo", "_ingest.photo" })
    void thePhotoMayBeNextToWhatTheProcessorWrites(String field) {
        assertEquals(field, options(Map.of("field", field)).field());
    }
}
