package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
            {}                                                                 | [1:2] [face] requires exactly one of [image], [document] and [filter]
            {"image": "a", "document": {"index": "i", "id": "1"}}              | [1:53] [face] requires exactly one of [image], [document] and [filter]
            {"face": 1, "document": {"index": "i", "id": "1"}}                 | [1:50] [face] requires [image]; to choose a face of [document], put [face] into [document]
            {"endpoint": "e", "document": {"index": "i", "id": "1"}}           | [1:56] [endpoint] requires [image]; no endpoint is asked for [document]
            {"image": "a", "face": -1}                                         | [1:24] [face] must be 0 or greater but was [-1]
            {"image": "a", "face": 0.7}                                        | [1:24] [face] must be an integer but was [0.7]
            {"image": "a", "face": "0.7"}                                      | [1:24] [face] must be an integer but was [0.7]
            {"image": "a", "face": 3000000000}                                 | [1:24] [face] must be an integer but was [3000000000]
            {"image": "a", "face": "largest"}                                  | [1:24] [face] must be an integer but was [largest]
            {"document": {"index": "i", "id": "1", "face": -1}}                | [1:48] [face] must be 0 or greater but was [-1]
            {"document": {"index": "i", "id": "1", "face": 0.7}}               | [1:48] [face] must be an integer but was [0.7]
            {"document": {"index": "i"}}                                       | [1:27] Required [id]
            {"image": "a", "filter": {"index": "i", "query": {"match_all": {}}}} | [1:68] [face] requires exactly one of [image], [document] and [filter]
            {"image": "a", "target_field": "t"}                                | [1:35] [target_field] requires [document] or [filter], whose fields it is about
            {"face": 1, "filter": {"index": "i", "query": {"match_all": {}}}}  | [1:65] [face] requires [image]; to choose a face of [filter], put [face] into [filter]
            {"filter": {"index": "i"}}                                         | [1:25] Required [query]
            {"target_field": "", "document": {"index": "i", "id": "1"}}        | [1:59] [target_field] cannot be empty; leave it out for the top of the document
            {"filter": {"index": "i", "query": [[{"match_all": {}}]]}}         | [1:37] [query] must be a query or an array of queries
            {"image": ["a"]}                                                   | [1:11] [face] image doesn't support values of type: START_ARRAY
            """
    )
    void aQueryThatMeansNothingIsRefusedAtOnceAndNotBelowOtherReasons(String json, String message) {
        XContentParseException refusal = assertThrows(XContentParseException.class, () -> parse(json));
        assertEquals(message, refusal.getMessage());
        assertNull(refusal.getCause());
    }

    @Test
    void unknownOptionsAreRefused() {
        String message = assertThrows(XContentParseException.class, () -> parse("{\"image\": \"a\", \"faces\": 1}")).getMessage();
        assertEquals("[1:16] [face] unknown field [faces] did you mean [face]?", message);
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
    void aQueryIsTheSameOnAnotherNodeAndShowsNoPhoto(String json) throws Exception {
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
    void twoQueriesAreEqualOnlyIfAllOptionsAre() throws Exception {
        assertEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"a\", \"endpoint\": \"default\"}"));
        assertNotEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"b\"}"));
        assertNotEquals(parse("{\"image\": \"a\"}"), parse("{\"image\": \"a\", \"face\": 0}"));
    }

    @Test
    void theFormsWithoutAPhotoReadBackFromTheirOwnJson() throws Exception {
        FaceVectorBuilder named = parse("{\"document\": {\"index\": \"i\", \"id\": \"1\", \"face\": 2}, \"model\": \"m\"}");
        assertEquals(named, parse(named.toString()));
        FaceVectorBuilder found = parse("{\"filter\": {\"index\": \"i\", \"query\": [{\"term\": {\"a\": \"b\"}}]}, \"target_field\": \"t\"}");
        assertEquals(found, parse(found.toString()));
    }
}
