package org.ingestface.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;

import org.elasticsearch.common.io.stream.BytesStreamOutput;
import org.elasticsearch.common.io.stream.NamedWriteableAwareStreamInput;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.plugins.SearchPlugin.QueryVectorBuilderSpec;
import org.elasticsearch.search.SearchModule;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentParseException;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.ingestface.common.Facts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FaceVectorBuilderTests {

    private static final QueryVectorBuilderSpec<FaceVectorBuilder> SPEC = FaceVectorBuilder.spec(() -> null);

    private static final SearchModule SEARCH = new SearchModule(Settings.EMPTY, List.of());
    private static final XContentParserConfiguration WITH_QUERIES = XContentParserConfiguration.EMPTY.withRegistry(
        new NamedXContentRegistry(SEARCH.getNamedXContents())
    );
    private static final NamedWriteableRegistry WRITEABLES = new NamedWriteableRegistry(SEARCH.getNamedWriteables());

    private static FaceVectorBuilder parse(String json) throws IOException {
        try (XContentParser parser = JsonXContent.jsonXContent.createParser(WITH_QUERIES, json)) {
            return SPEC.getParser().apply(parser, null);
        }
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        quoteCharacter = '~',
        textBlock = """
            {}                                                                   | 1:2, face, image, document, filter          | exactly one
            {"image": "a", "document": {"index": "i", "id": "1"}}                | 1:53, face, image, document, filter         | exactly one
            {"face": 1, "document": {"index": "i", "id": "1"}}                   | 1:50, face, image, document, face, document | requires
            {"endpoint": "e", "document": {"index": "i", "id": "1"}}             | 1:56, endpoint, image, document             | requires
            {"image": "a", "face": -1}                                           | 1:24, face, -1                              | 0 or greater
            {"image": "a", "face": 0.7}                                          | 1:24, face, 0.7                             | integer
            {"image": "a", "face": "0.7"}                                        | 1:24, face, 0.7                             | integer
            {"image": "a", "face": 3000000000}                                   | 1:24, face, 3000000000                      | integer
            {"image": "a", "face": "largest"}                                    | 1:24, face, largest                         | integer
            {"document": {"index": "i", "id": "1", "face": -1}}                  | 1:48, face, -1                              | 0 or greater
            {"document": {"index": "i", "id": "1", "face": 0.7}}                 | 1:48, face, 0.7                             | integer
            {"document": {"index": "i"}}                                         | 1:27, id                                    | Required
            {"image": "a", "filter": {"index": "i", "query": {"match_all": {}}}} | 1:68, face, image, document, filter         | exactly one
            {"image": "a", "target_field": "t"}                                  | 1:35, target_field, document, filter        | requires
            {"face": 1, "filter": {"index": "i", "query": {"match_all": {}}}}    | 1:65, face, image, filter, face, filter     | requires
            {"filter": {"index": "i"}}                                           | 1:25, query                                 | Required
            {"target_field": "", "document": {"index": "i", "id": "1"}}          | 1:59, target_field                          | empty
            {"filter": {"index": "i", "query": [[{"match_all": {}}]]}}           | 1:37, query                                 | array
            {"image": ["a"]}                                                     | 1:11, face                                  | START_ARRAY
            """
    )
    void aContradictoryQueryIsRefusedWithOnlyTheInnermostReason(String json, String facts, String reason) {
        XContentParseException refusal = assertThrows(XContentParseException.class, () -> parse(json));
        assertEquals(List.of(facts.split(", ")), Facts.of(refusal.getMessage()));
        assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
        assertNull(refusal.getCause());
    }

    @Test
    void unknownOptionsAreRefused() {
        String message = assertThrows(XContentParseException.class, () -> parse("{\"image\": \"a\", \"faces\": 1}")).getMessage();
        assertEquals(List.of("1:16", "face", "faces", "face"), Facts.of(message));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
            "{\"image\": \"SECRET\"}",
            "{\"image\": \"SECRET\", \"face\": 2, \"endpoint\": \"e\", \"model\": \"m\"}",
            "{\"document\": {\"index\": \"i\", \"id\": \"1\"}}",
            "{\"document\": {\"index\": \"i\", \"id\": 1, \"face\": 2}, \"model\": \"m\"}",
            "{\"document\": {\"index\": \"i\", \"id\": \"1\", \"face\": \"abc-0\"}, \"target_field\": \"t\"}",
            "{\"filter\": {\"index\": \"i\", \"query\": {\"match_all\": {}}, \"face\": 1}}",
            "{\"filter\": {\"index\": \"i\", \"query\": [{\"match_all\": {}}, {\"term\": {\"a\": \"b\"}}]}}",
            "{\"filter\": {\"index\": \"i\", \"query\": []}}" }
    )
    void aQueryIsTheSameOnAnotherNodeAndDoesNotShowItsPhoto(String json) throws Exception {
        FaceVectorBuilder sent = parse(json);
        try (BytesStreamOutput out = new BytesStreamOutput()) {
            sent.writeTo(out);
            try (StreamInput in = new NamedWriteableAwareStreamInput(out.bytes().streamInput(), WRITEABLES)) {
                FaceVectorBuilder received = SPEC.getReader().read(in);
                assertEquals(sent, received);
                assertEquals(sent.hashCode(), received.hashCode());
            }
        }
        assertFalse(sent.toString().contains("SECRET"), sent.toString());
    }

    @Test
    void queriesAreEqualIfAllOptionsAre() throws Exception {
        assertEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"a\", \"endpoint\": \"default\"}"));
        assertNotEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"b\"}"));
        assertNotEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"a\", \"face\": 0}"));
    }

    @Test
    void formsWithoutAPhotoCanBeParsedFromTheirOwnJson() throws Exception {
        FaceVectorBuilder named = parse("{\"document\": {\"index\": \"i\", \"id\": \"1\", \"face\": 2}, \"model\": \"m\"}");
        assertEquals(named, parse(named.toString()));
        FaceVectorBuilder found = parse("{\"filter\": {\"index\": \"i\", \"query\": [{\"term\": {\"a\": \"b\"}}]}, \"target_field\": \"t\"}");
        assertEquals(found, parse(found.toString()));
    }
}
