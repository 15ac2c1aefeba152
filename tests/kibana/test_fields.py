"""Fields as the templates have them, the fields that boards use, and the KQL in which boards name them."""

from __future__ import annotations

import pytest

from es_setup.shipped_files import ALIASES
from kibana import build
from kibana.checks import kql
from kibana.checks.fields import NEEDS, find, templates
from kibana.checks.kql import And, Is, KqlError, Not, Or, Within
from kibana.checks.uses import named_in
from kibana.lint import fields_used


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("people", {"aggregated", "a keyword", "searched"}),
        ("best_quality", {"aggregated", "a number", "a number or date", "searched"}),
        ("@timestamp", {"aggregated", "a date", "a number or date", "searched"}),
        ("error.message", {"searched"}),
        ("thumbnail", set()),
        ("faces", set()),
        ("faces.label.name", set()),
        ("faces.candidates.name", set()),
        ("_index", {"aggregated", "a keyword", "searched"}),
    ],
)
def test_a_field_fits_what_kibana_can_do_with_its_mapping(name, fits):
    field = find(templates()["faces"], name)

    assert {need for need, met in NEEDS.items() if met(field)} == fits | {"shown"}


def test_a_field_that_no_template_has_is_not_found():
    faces = templates()["faces"]

    assert find(faces, "faces.nmae") is None
    assert find(faces, "vector") is None
    assert find(faces, "faces.qual*") is not None
    assert find(faces, "faces.qul*") is None


def test_every_index_of_ours_has_a_template():
    assert sorted(templates()) == sorted(ALIASES)


def test_fields_used_are_those_that_panels_controls_queries_and_data_views_name():
    used = fields_used(build.objects())

    assert sorted(used) == sorted(ALIASES)
    assert {"people", "best_quality", "@timestamp"} <= used["faces"], "controls and time"
    assert {"faces.vector", "faces.crop"} <= used["faces"], "Vega"
    assert "matched_tags" in used["face-probes"], "KQL"
    assert {"vector", "face.crop"} <= used["face-gallery"]
    assert "file.hash.sha256" in used["face-gallery"], "data view"


def test_a_field_is_wanted_of_those_indices_of_a_pattern_that_have_it():
    used = fields_used(build.objects())

    assert "unnamed_faces" in used["faces"] & used["face-probes"]
    assert "unnamed_faces" not in used["face-gallery"]


def test_a_search_names_the_fields_of_its_queries_aggregations_sorts_and_rows():
    body = {
        "query": {"bool": {"must": [{"term": {"a": 1}}, {"range": {"b": {"%timefilter%": True}}}]}},
        "aggs": {
            "terms": {
                "terms": {"field": "c", "order": {"x": "desc"}},
                "aggs": {"x": {"max": {"field": "d"}}},
            },
            "top": {"top_hits": {"sort": [{"e": "desc"}], "_source": {"includes": ["f"]}}},
            "cases": {"filters": {"filters": {"range": {"exists": {"field": "g"}}}}},
            "spans": {"range": {"field": "h", "ranges": [{"to": 1}]}},
            "all": {"composite": {"sources": [{"when": {"date_histogram": {"field": "i"}}}]}},
        },
        "sort": ["_score", {"j": {"order": "desc"}}],
        "fields": ["k", {"field": "l"}],
        "_source": False,
    }

    assert set(named_in(body)) == {
        *((name, "shown") for name in "acdefghijkl"),
        ("b", "a date"),
        ("_score", "shown"),
    }


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("tags : no_face", Is("tags", "no_face")),
        ("people: *", Is("people", "*")),
        ('observer.name : "Main \\"old\\" gate"', Is("observer.name", 'Main "old" gate', quoted=True)),
        ("best_quality<0.3", Within("best_quality", "lt", "0.3")),
        ("a >= 1 and b < 2", And((Within("a", "gte", "1"), Within("b", "lt", "2")))),
        ("a:1 or b:2 and c:3", Or((Is("a", "1"), And((Is("b", "2"), Is("c", "3")))))),
        ("not (a:1 or b:2)", Not(Or((Is("a", "1"), Is("b", "2"))))),
        ("a:(1 or 2)", Or((Is("a", "1"), Is("a", "2")))),
        ("NOT a:1 AND b:2", And((Not(Is("a", "1")), Is("b", "2")))),
    ],
)
def test_kql_of_boards_is_understood(text, tree):
    assert kql.parse(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "anything",
        "a:",
        "a:1 b:2",
        "a:1 and",
        "(a:1",
        "a:1)",
        "a:(1 or",
        "a:1 or or b:2",
        'a:"x',
        "faces:{a:1}",
        ": 1",
    ],
)
def test_kql_that_no_board_needs_is_refused(text):
    with pytest.raises(KqlError):
        kql.parse(text)
