"""The fields of the templates, and those that the boards use."""

from __future__ import annotations

from typing import get_args

import pytest

from es_setup.shipped_files import ALIASES
from kibana import build
from kibana.checks.field_uses import fits
from kibana.checks.template_fields import find, templates
from kibana.lint import fields_used
from kibana.objects import kql, lens
from kibana.objects.field_use import FieldUse, Need, fields_in_search


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("people", {"aggregated", "keyword", "searched"}),
        ("best_quality", {"aggregated", "number", "number or date", "searched"}),
        ("@timestamp", {"aggregated", "date", "number or date", "searched"}),
        ("error.message", {"searched"}),
        ("thumbnail", set()),
        ("faces", set()),
        ("faces.label.name", set()),
        ("faces.candidates.name", set()),
        ("_index", {"aggregated", "keyword", "searched"}),
    ],
)
def test_a_field_fits_what_kibana_can_do_with_its_mapping(name, fitting):
    field = find(templates()["faces"], name)

    uses = [FieldUse("faces", name, need) for need in get_args(Need)]
    assert {use.need for use in uses if fits(field, use)} == fitting | {"shown"}


def test_the_query_dsl_can_aggregate_nested_fields():
    name = find(templates()["faces"], "faces.label.name")

    assert fits(name, FieldUse("faces", "faces.label.name", "aggregated", nested=True))
    assert not fits(name, FieldUse("faces", "faces.label.name", "aggregated"))


def test_a_field_that_no_template_has_is_not_found():
    faces = templates()["faces"]

    assert find(faces, "faces.nmae") is None
    assert find(faces, "vector") is None
    assert find(faces, "faces.qual*") is not None
    assert find(faces, "faces.qul*") is None


def test_every_index_of_ours_has_a_template():
    assert sorted(templates()) == sorted(ALIASES)


def test_fields_used_are_those_of_panels_controls_queries_and_data_views():
    used = fields_used(build.content())

    assert sorted(used) == sorted(ALIASES)
    assert {"people", "best_quality", "@timestamp"} <= used["faces"], "controls and time"
    assert {"faces.vector", "faces.crop"} <= used["faces"], "Vega"
    assert "matched_tags" in used["face-probes"], "KQL"
    assert {"vector", "face.crop"} <= used["face-gallery"]
    assert "file.hash.sha256" in used["face-gallery"], "data view"


def test_a_field_counts_as_used_of_those_indices_of_a_pattern_that_have_it():
    used = fields_used(build.content())

    assert "unnamed_faces" in used["faces"] & used["face-probes"]
    assert "unnamed_faces" not in used["face-gallery"]


def test_a_search_uses_the_fields_of_its_queries_aggregations_sorts_and_rows():
    body = {
        "query": {
            "bool": {
                "must": [{"term": {"a": 1}}, {"range": {"b": {"%timefilter%": True}}}],
                "filter": {"nested": {"path": "c", "query": {"exists": {"field": "d"}}}},
            }
        },
        "aggs": {
            "sort": {"terms": {"field": "e", "order": {"x": "desc"}}, "aggs": {"x": {"max": {"field": "f"}}}},
            "field": {"top_hits": {"sort": [{"g": "desc"}], "_source": ["h"], "fields": ["i"]}},
            "all": {"composite": {"sources": [{"when": {"date_histogram": {"field": "j"}}}]}},
            "took": {"percentiles": {"field": "k", "percents": [50]}},
        },
        "sort": ["_score", {"l": {"order": "desc"}}],
        "collapse": {"field": "m"},
        "_source": False,
    }

    assert {(use.field, use.need) for use in fields_in_search("faces", body)} == {
        *((name, "shown") for name in "acdghil"),
        ("b", "date"),
        ("e", "aggregated"),
        ("f", "number or date"),
        ("j", "date"),
        ("k", "number"),
        ("m", "aggregated"),
        ("_score", "shown"),
    }


def test_a_column_uses_its_field_and_those_of_its_queries():
    filtered = lens.distinct("People", "people", kql.between("best_quality", 0.3, 1))
    cases = lens.cases("Case", {"failed": kql.exists("error.code"), "no face": kql.equals("tags", "no_face")})

    assert [(use.field, use.need) for use in filtered.uses("faces")] == [
        ("people", "aggregated"),
        ("best_quality", "searched"),
    ]
    assert [use.field for use in cases.uses("faces")] == ["error.code", "tags"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (kql.EVERYTHING, ""),
        (kql.equals("tags", "no_face"), "tags : no_face"),
        (kql.exists("people"), "people : *"),
        (kql.below("best_quality", 0.3), "best_quality < 0.3"),
        (kql.between("a", 1, 2.5), "a >= 1 and a < 2.5"),
        (kql.both(kql.below("a", 1), kql.without(kql.equals("b", "0"))), "a < 1 and not b : 0"),
    ],
)
def test_queries_are_kql(query, text):
    assert query.text == text
