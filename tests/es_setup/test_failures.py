"""Which of the reasons in an error of Elasticsearch is told."""

from __future__ import annotations

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import BadRequestError

from es_setup.connection import innermost_reason
from es_setup.failures import innermost

OUTER = {"type": "search_phase_execution_exception", "reason": "all shards failed"}
DATE = {"type": "parse_exception", "reason": "failed to parse [x]", "index": "faces-000001"}
ERRORS = {
    "root alone": ({**OUTER, "root_cause": [DATE]}, "failed to parse [x]"),
    "caused by": ({**OUTER, "root_cause": [DATE], "caused_by": {"reason": "no such day"}}, "no such day"),
    "caused by no reason": ({**OUTER, "root_cause": [DATE], "caused_by": {"type": "x"}}, DATE["reason"]),
    "no root": (OUTER, "all shards failed"),
    "own reason": ({"reason": "bad", "root_cause": [DATE]}, "bad"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_the_most_specific_reason_is_told(what):
    error, told = ERRORS[what]
    meta = ApiResponseMeta(400, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "127.0.0.1", 9200))
    assert innermost(error) == told
    assert innermost_reason(BadRequestError("x", meta, {"error": error, "status": 400})).endswith(told)
