package org.ingestface.resend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

class FacePipelinesTests {

    @Test
    void aPipelineCallsOthersAtAnyDepth() {
        Map<String, Object> configuration = Map.of(
            "processors",
            List.of(
                Map.of("pipeline", Map.of("name", "first")),
                Map.of("foreach", Map.of("field", "x", "processor", Map.of("pipeline", Map.of("name", "second", "if", "true")))),
                Map.of("set", Map.of("field", "pipeline", "value", "none", "on_failure", List.of(Map.of("pipeline", Map.of("name", "third")))))
            ),
            "description",
            "pipeline"
        );
        assertEquals(List.of("first", "second", "third"), FacePipelines.called(configuration).sorted().toList());
    }
}
