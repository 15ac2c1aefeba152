package org.ingestface.resend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.elasticsearch.cluster.metadata.MappingMetadata;
import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.ingest.IngestDocument;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.common.DottedPaths;
import org.ingestface.document.FaceProcessor;
import org.ingestface.document.Processors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Name and label of a photo with one face, written as {@code name/label/sent_name}, with a hyphen for none. */
class PhotoNameTests {

    private static final List<FaceProcessor> PROCESSORS = List.of(Processors.with(Map.of()));

    private static Map<String, Object> document(String text) {
        String[] parts = text.split("/");
        Map<String, Object> face = new HashMap<>(Map.of("id", "a-0"));
        put(face, "label.name", parts[1]);
        Map<String, Object> document = new HashMap<>(Map.of("faces", new ArrayList<>(List.of(face)), "face_count", 1));
        document.put("person", new HashMap<>(Map.of("age", 7)));
        put(document, "person.name", parts[0]);
        put(document, "person.sent_name", parts[2]);
        return document;
    }

    private static void put(Map<String, Object> object, String path, String value) {
        if (value.equals("-") == false) {
            DottedPaths.set(object, path, value);
        }
    }

    private static String text(Map<String, Object> document) {
        Object face = ((List<?>) document.get("faces")).get(0);
        return String.join(
            "/",
            orHyphen(DottedPaths.get(document, "person.name")),
            orHyphen(DottedPaths.get((Map<?, ?>) face, "label.name")),
            orHyphen(DottedPaths.get(document, "person.sent_name"))
        );
    }

    private static String orHyphen(@Nullable Object value) {
        return value == null ? "-" : value.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "Ann/Ann/-, Ann/Ann/-, Ann/Ann/-, nothing changed",
        "Ann/Ann/-, Bea/Ann/-, Bea/Bea/Ann, the name changed",
        "Ann/Ann/-, Ann/Bea/-, Bea/Bea/Ann, the label changed",
        "Ann/Ann/-, Cid/Bea/-, Bea/Bea/Ann, both changed: the label wins",
        "Ann/Ann/-, Ann/-/-, -/-/Ann, the label was taken back",
        "Ann/Ann/-, -/Ann/-, -/-/Ann, the name was taken back",
        "Ann/Ann/-, Bea/-/-, Bea/-/Ann, the name changed and the label was taken back",
        "-/-/-, Ann/-/-, Ann/-/-, the first name",
        "-/Ann/-, Bea/Ann/-, Bea/Bea/-, the first name of a labelled face",
        "Ann/Bea/-, Ann/Bea/-, Ann/Bea/-, two names from before",
        "Bea/Bea/Ann, Cid/Bea/Ann, Cid/Cid/Ann, a second correction",
        "Bea/Bea/Ann, Ann/Bea/Ann, Ann/Ann/-, the correction is taken back", })
    void anEditLeavesOneName(String before, String after, String expected, String what) {
        Map<String, Object> edited = document(after);
        new PhotoName(PROCESSORS, document(before), edited, () -> true).followEdit();
        assertEquals(expected, text(edited), what);
        new PhotoName(PROCESSORS, document(before), edited, () -> true).followEdit();
        assertEquals(expected, text(edited), "again, on another node");
    }

    @ParameterizedTest
    @CsvSource({
        "Ann/Ann/-, Ann, Ann/Ann/-, nothing new",
        "Bea/Bea/Ann, Ann, Bea/Bea/Ann, the name from before the correction",
        "Bea/Bea/Ann, Bea, Bea/Bea/Ann, the corrected name",
        "Bea/Bea/Ann, Cid, Cid/Cid/-, another name",
        "Bea/Bea/Ann, -, Bea/Bea/Ann, no name",
        "-/-/Ann, Ann, -/-/Ann, the name that was taken back",
        "-/Bea/-, Ann, Bea/Bea/Ann, the first name of a labelled face",
        "Ann/Ann/-, Cid, Cid/Cid/-, another name", })
    void aSentNameIsNewOnlyOnce(String before, String sent, String expected, String what) {
        Map<String, Object> stored = document(before);
        Map<String, Object> merged = document(before);
        Map<String, Object> document = new HashMap<>();
        put(document, "person.name", sent);
        put(merged, "person.name", sent);
        new PhotoName(PROCESSORS, stored, merged, () -> true).keepCorrection(document, false);
        assertEquals(expected, text(merged), what);
        // An _update comes with what stands.
        Map<String, Object> updated = document(before);
        put(updated, "person.name", sent);
        Map<String, Object> after = IngestDocument.deepCopyMap(updated);
        new PhotoName(PROCESSORS, stored, after, () -> true).keepCorrection(updated, false);
        assertEquals(expected, text(after), what);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{}                                                                                              | true",
        "{'dynamic': 'strict'}                                                                           | false",
        "{'dynamic': 'strict', 'properties': {'person': {'properties': {'name': {}}}}}                   | false",
        "{'dynamic': 'strict', 'properties': {'person': {'properties': {'sent_name': {}}}}}              | true",
        "{'dynamic': 'strict', 'properties': {'person': {'dynamic': true, 'properties': {'name': {}}}}}  | true",
        "{'dynamic': false}                                                                              | true" })
    void anIndexThatWouldRefuseTheFieldDoesNotGetIt(String mapping, boolean fits) {
        Map<String, Object> source = XContentHelper.convertToMap(JsonXContent.jsonXContent, mapping.replace('\'', '"'), true);
        assertEquals(fits, SentName.fits(new MappingMetadata("_doc", source)));
    }
}
