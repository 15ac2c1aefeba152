package org.ingestface.resend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.elasticsearch.common.xcontent.XContentHelper;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.document.Processors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a stored document and a sent one become together. Quotes are single in this JSON. */
class MergingTests {

    private static final String STORED_FACES = """
        'model': {'id': 'm'}, 'face_count': 2, 'photo': {'width': 100, 'height': 100}, 'file': {'hash': {'sha256': 'aa'}},
        'faces': [{'id': 'a-0', 'vector': [1], 'box': {'x': 0, 'y': 0, 'width': 10, 'height': 10}, 'label': {'name': 'Ann'}},
                  {'id': 'a-1', 'vector': [2], 'box': {'x': 50, 'y': 50, 'width': 20, 'height': 20}, 'not': ['Bob']}]""";

    private static Map<String, Object> json(String text) {
        return XContentHelper.convertToMap(JsonXContent.jsonXContent, text.replace('\'', '"'), true);
    }

    private static Merging merging(Map<String, Object> options, String stored, String sent) {
        return new Merging(List.of(Processors.with(options)), json(stored), json(sent), () -> true);
    }

    /** Checks also that merging twice changes nothing, as happens on the way to another node. */
    private static Map<String, Object> merged(String stored, String sent) {
        Map<String, Object> once = merging(Map.of(), stored, sent).merged();
        assertEquals(once, new Merging(List.of(Processors.with(Map.of())), json(stored), once, () -> true).merged());
        return once;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{'a': 1}                         | {'image': 'x'}                         | {'a': 1, 'image': 'x'}",
        "{'a': {'b': 1, 'c': 2}}          | {'a': {'c': 3}}                        | {'a': {'b': 1, 'c': 3}}",
        "{'a': {'b': 1, 'c': 2}}          | {'a.c': 3}                             | {'a': {'b': 1}, 'a.c': 3}",
        "{'a.c': 2}                       | {'a': {'c': 3}}                        | {'a': {'c': 3}}",
        "{'a': [1, 2]}                    | {'a': [3]}                             | {'a': [3]}",
        "{'a': 1}                         | {'a': null}                            | {'a': null}",
        "{'a': {'b': 1}}                  | {'a': 5}                               | {'a': 5}",
        "{'tags': ['x', 'no_face']}       | {'tags': ['y', 'x']}                   | {'tags': ['x', 'no_face', 'y']}",
        "{'tags': 'x'}                    | {'tags': 'y'}                          | {'tags': ['x', 'y']}",
        "{'tags': ['x']}                  | {'tags': null}                         | {'tags': null}",
        "{'tags': ['x']}                  | {'tags': []}                           | {'tags': ['x']}" })
    void whatWasSentWinsAndTheRestStays(String stored, String sent, String expected) {
        assertEquals(json(expected), merged(stored, sent));
    }

    @Test
    void whatStandsAndWhatWasSentAreLeftAsTheyAre() {
        Map<String, Object> stored = json("{'person': {'name': 'Ann'}, " + STORED_FACES + "}");
        Map<String, Object> sent = json("{'person': {'name': 'Bea'}, 'tags': ['x'], " + STORED_FACES + "}");
        new Merging(List.of(Processors.with(Map.of())), stored, sent, () -> true).merged();
        assertEquals(json("{'person': {'name': 'Ann'}, " + STORED_FACES + "}"), stored);
        assertEquals(json("{'person': {'name': 'Bea'}, 'tags': ['x'], " + STORED_FACES + "}"), sent);
    }

    @Test
    void aPhotoLeavesTheStoredFacesToTheProcessor() {
        Map<String, Object> stored = json("{" + STORED_FACES + "}");
        assertEquals(stored.get("faces"), merged("{" + STORED_FACES + "}", "{'image': 'x'}").get("faces"));
    }

    @Test
    void sentFacesTakeWhatTheyDoNotMentionFromTheSameStoredFace() {
        String sent = STORED_FACES.replace(", 'label': {'name': 'Ann'}", ", 'not': ['Cid']").replace(", 'not': ['Bob']", ", 'not': null");
        List<?> faces = (List<?>) merged("{" + STORED_FACES + "}", "{" + sent + "}").get("faces");
        assertEquals(List.of("Cid"), ((Map<?, ?>) faces.get(0)).get("not"));
        assertEquals(Map.of("name", "Ann"), ((Map<?, ?>) faces.get(0)).get("label"));
        assertNull(((Map<?, ?>) faces.get(1)).get("not"));
    }

    @Test
    void aFaceOfACopyIsFoundAgainByItsBoxInALargerPhoto() {
        String larger = """
            {'model': {'id': 'm'}, 'photo': {'width': 200, 'height': 200}, 'file': {'hash': {'sha256': 'bb'}},
             'faces': [{'id': 'b-0', 'vector': [1], 'box': {'x': 1, 'y': 1, 'width': 20, 'height': 20}}]}""";
        Map<String, Object> merged = merged("{" + STORED_FACES + "}", larger);
        Map<?, ?> face = (Map<?, ?>) ((List<?>) merged.get("faces")).get(0);
        assertEquals(Arrays.asList("b-0", Map.of("name", "Ann")), Arrays.asList(face.get("id"), face.get("label")));
        // The other one has no place in this photo.
        Map<?, ?> waiting = (Map<?, ?>) ((List<?>) merged.get("unplaced")).get(0);
        assertEquals(List.of("Bob"), waiting.get("not"));
    }

    @Test
    void anEntryLeftOutOfACopyOfTheSamePhotoStaysOut() {
        String one = STORED_FACES.replaceFirst("(?s),\\s+\\{'id': 'a-1'.*", "]");
        Map<String, Object> merged = merged("{" + STORED_FACES + "}", "{" + one + "}");
        assertEquals(1, ((List<?>) merged.get("faces")).size());
        assertNull(merged.get("unplaced"));
    }

    @Test
    void aCopyReplacesAllThatTheProcessorWrote() {
        String failed = "{'image': '?', 'error': {'code': 'damaged'}, 'event': {'outcome': 'failure', 'lag': 1, 'id': 'mine'}, 'note': 1}";
        Map<String, Object> merged = merged(failed, "{'event': {'outcome': 'success'}, " + STORED_FACES + "}");
        assertEquals(Map.of("outcome", "success", "id", "mine"), merged.get("event"));
        assertFalse(merged.containsKey("image") || merged.containsKey("error"));
        assertEquals(1, merged.get("note"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{'image': 'x'}         | true  | true",
        "{'image': 'old'}       | true  | false",
        "{'faces': []}          | true  | false",
        "{'image': null}        | false | false",
        "{'title': 'x'}         | false | false" })
    void aPhotoOrFacesMakeAResend(String sent, boolean sends, boolean another) {
        Merging merging = merging(Map.of(), "{'image': 'old'}", sent);
        assertEquals(sends, merging.sendsPhotoOrFaces());
        assertEquals(another, merging.sendsAnotherPhoto());
    }

    @Test
    void thePipelinesOwnFieldsAreHonoured() {
        Map<String, Object> options = Map.of("field", "media.photo", "target_field", "portrait");
        assertTrue(merging(options, "{}", "{'media.photo': 'x'}").sendsPhotoOrFaces());
        assertFalse(merging(options, "{}", "{'image': 'x'}").sendsPhotoOrFaces());
        assertTrue(merging(options, "{}", "{'portrait': {'faces': []}}").sendsPhotoOrFaces());
        Map<String, Object> merged = merging(options, "{'portrait': {'tags': ['no_face']}, 'tags': ['x']}", "{'tags': ['y']}").merged();
        assertEquals(json("{'portrait': {'tags': ['no_face']}, 'tags': ['x', 'y']}"), merged);
    }

    @Test
    void aPortraitIsACopyByItsVector() {
        assertTrue(merging(Map.of("single_face", true), "{}", "{'vector': [1]}").sendsPhotoOrFaces());
    }
}
