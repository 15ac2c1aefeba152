package org.ingestface.document;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.index.VersionType;
import org.elasticsearch.ingest.IngestDocument;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which fields need the right, by what the processor {@code face} wrote before. */
class FaceCheckProcessorTests {

    private final List<List<String>> asked = new ArrayList<>();
    private Map<String, Object> source;

    @BeforeEach
    void aDocumentOfTheProcessor() {
        List<Object> vector = new ArrayList<>(List.of(1.0, 2.0));
        Map<String, Object> face = new HashMap<>(Map.of("vector", vector, "match", new HashMap<>(Map.of("name", "Ann"))));
        source = new HashMap<>(Map.of("faces", List.of(face), "face_count", 1, "model", new HashMap<>(Map.of("id", "m")), "mine", 5));
    }

    private IngestDocument document() {
        return new IngestDocument("faces", "1", 1, null, VersionType.INTERNAL, source);
    }

    private IngestDocument sealed() {
        IngestDocument document = document();
        Seal.set(document, null, false);
        return document;
    }

    private List<String> foreign(IngestDocument document, Map<String, Object> options) {
        FaceCheckProcessor processor = new FaceCheckProcessor.Factory(() -> (index, fields, listener) -> {
            asked.add(fields.stream().sorted().toList());
            listener.onResponse(null);
        }).create("tag", null, new HashMap<>(options));
        List<Exception> failures = new ArrayList<>();
        processor.execute(document, (result, failure) -> failures.add(failure));
        assertEquals(1, failures.size());
        return asked.isEmpty() ? List.of() : asked.remove(0);
    }

    @Test
    void whatTheProcessorWrotePassesAndLaterProcessorsMayRemoveIt() {
        IngestDocument document = sealed();
        assertEquals(List.of(), foreign(document, Map.of()));
        document.removeField("model");
        document.removeField("faces.0.match");
        document.setFieldValue("faces.0.label", Map.of("name", "Bea"));
        document.setFieldValue("faces.0.ignored", true);
        document.setFieldValue("event.ingested", "2026-11-30");
        document.setFieldValue("mine", 6);
        assertEquals(List.of(), foreign(document, Map.of()));
    }

    @Test
    void whatIsChangedOrAddedLaterNeedsTheRight() {
        IngestDocument document = sealed();
        document.setFieldValue("faces.0.match.name", "Innocent");
        document.setFieldValue("faces.0.vector.1", 3.0);
        document.setFieldValue("faces.0.drawn", true);
        document.setFieldValue("matched_tags", "watch");
        document.setFieldValue("candidate_tags", "watch");
        document.setFieldValue("vector", List.of(1.0));
        assertEquals(
            List.of("candidate_tags", "faces.drawn", "faces.match.name", "faces.vector", "matched_tags", "vector"),
            foreign(document, Map.of())
        );
    }

    @Test
    void withoutTheProcessorEveryFieldOfItsNeedsTheRight() {
        source.put("event.ingested", "2026-11-30");
        assertEquals(
            List.of("event.ingested", "face_count", "faces.match.name", "faces.vector", "model.id"),
            foreign(document(), Map.of())
        );
    }

    @Test
    void otherFieldsNeedNothing() {
        source = new HashMap<>(Map.of("mine", 1, "photo", Map.of("caption", "a"), "file.path", "b", "model", Map.of("mine", 2)));
        assertEquals(List.of(), foreign(document(), Map.of()));
    }

    @Test
    void aTargetHasTheFieldsAndNobodyElse() {
        source = new HashMap<>(Map.of("people", "Ann", "portrait", Map.of("people", "Bea", "title", "c")));
        assertEquals(List.of("portrait.people"), foreign(document(), Map.of("target_field", "portrait")));
    }

    @Test
    void anAllowedFieldNeedsNothing() {
        source = new HashMap<>(Map.of("vector", List.of(1.0), "event.outcome", "success", "people", "Ann"));
        assertEquals(List.of("people"), foreign(document(), Map.of("allow", List.of("vector", "event"))));
    }

    @ParameterizedTest
    @ValueSource(strings = { "face", "timestamp" })
    void noOtherValueInTheMetadataIsASeal(String key) {
        IngestDocument document = document();
        document.getIngestMetadata().put(key, sealed().getIngestMetadata().get("face").toString());
        assertEquals(4, foreign(document, Map.of()).size());
    }

    @Test
    void aCopyOfTheSealIsNone() {
        IngestDocument copy = new IngestDocument(sealed());
        assertEquals(4, foreign(copy, Map.of()).size());
    }

    @Test
    void ofManyFieldsTheFirstAreNamed() {
        source = new HashMap<>();
        for (int i = 0; i < 1_000; i++) {
            source.put("error.x" + i, i);
        }
        assertEquals(21, foreign(document(), Map.of()).size());
    }
}
