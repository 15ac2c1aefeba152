"""Every Lens chart and every table of documents has something to show over the scene, and counts rightly."""

from __future__ import annotations

import base64
from collections import Counter

import lens_rules
import pytest
from elasticsearch import Elasticsearch

from es_setup.install import ALIASES
from ingest_service.verdicts import POSSIBLE, STRONG

CHARTS = {
    f"{board.id}-{panel.id}": (board, panel, view, layer)
    for board, panel, view, layer in lens_rules.shipped("lens")
}
TABLES = {
    f"{board.id}-{panel.id}": (board, panel, view) for board, panel, view, _ in lens_rules.shipped("search")
}


@pytest.fixture(scope="module")
def documents(es: Elasticsearch, scene) -> dict[str, list[dict]]:
    """Alias -> sources of all its documents."""
    return {
        alias: [
            hit["_source"]
            for hit in es.search(index=alias, size=1000, source_excludes=["*.vector", "*.crop"])["hits"][
                "hits"
            ]
        ]
        for alias in ALIASES
    }


def charted(es: Elasticsearch, name: str) -> list[dict]:
    board, panel, view, layer = CHARTS[name]
    body = lens_rules.chart(panel, layer, view, lens_rules.time_range(board.id))
    return lens_rules.rows(layer, es.search(index=view.pattern, body=body).body)


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_rows_without_empty_cells(es, scene, name):
    found = charted(es, name)

    assert found
    assert all(value is not None for row in found for value in row.values()), found
    assert any(row["metric-0"] for row in found), "nothing but zeros"


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_documents_and_a_value_in_every_column(es, scene, name):
    board, panel, view = TABLES[name]
    body = lens_rules.table(panel, view, lens_rules.time_range(board.id))
    hits = es.search(index=view.pattern, body=body)["hits"]["hits"]

    shown = [hit["fields"] | {key: [hit[key]] for key in ("_id", "_index")} for hit in hits]
    empty = [
        column for column in panel.config["attributes"]["columns"] if not any(column in row for row in shown)
    ]
    assert shown
    assert empty == []
    thumbnails = [row["thumbnail"][0] for row in shown if "thumbnail" in row]
    assert all(base64.b64decode(picture).startswith(b"\xff\xd8") for picture in thumbnails)
