"""The lint itself: what we ship has no problem, and whatever is broken in it is named, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

import pytest

from kibana import build
from kibana.boards import EXPLORATION, HEALTH, PROBES, SEARCH
from kibana.lint import problems

GONE = object()
PANELS = "attributes/panelsJSON"
CONTROLS = "attributes/controlGroupInput/panelsJSON"
STATE = "embeddableConfig/attributes/state"
LAYER = f"{STATE}/datasourceStates/formBased/layers/layer"
SPEC = "embeddableConfig/savedVis/params/spec"
SOURCE = "embeddableConfig/attributes/kibanaSavedObjectMeta/searchSourceJSON"
FACES = "index-pattern:ingest-face-faces"
NEAREST = f"dashboard:{SEARCH}/{PANELS}/nearest"
RANKED = f"dashboard:{SEARCH}/{PANELS}/ranked"
MATCHING = f"dashboard:{SEARCH}/{PANELS}/matching"
NOTES = f"dashboard:{SEARCH}/{PANELS}/requests/embeddableConfig/savedVis/params/markdown"
WHERE = f"dashboard:{EXPLORATION}/{PANELS}/where"
DRILLDOWN = f"{WHERE}/embeddableConfig/enhancements/dynamicActions/events/0"
PEOPLE = f"dashboard:{EXPLORATION}/{PANELS}/people-faces"
WATCHED = f"dashboard:{PROBES}/{PANELS}/watched"
REFERENCES = f"dashboard:{SEARCH}/references"


def change(value: object, path: list[str], new: object) -> object:
    """``value`` with what lies at ``path`` replaced; strings on the way are JSON, as Kibana nests it.

    Args:
        new: the new value, or a function that makes it of the old; GONE takes it away.
    """
    if not path:
        return new(value) if callable(new) else new
    if isinstance(value, str):
        return json.dumps(change(json.loads(value), path, new))
    step, *rest = path
    key = place(value, step) if isinstance(value, list) else step
    if new is GONE and not rest:
        del value[key]
    else:
        value[key] = change(value.get(key) if isinstance(value, dict) else value[key], rest, new)
    return value


def place(entries: list, step: str) -> int:
    """Where in a list an entry is, by its number or by whatever it is called."""
    if step.isdigit():
        return int(step)
    names = [f"{one['type']}:{one['id']}" if "attributes" in one else called(one) for one in entries]
    return names.index(step)


def called(entry: dict) -> str:
    return entry.get("panelIndex") or entry.get("name") or entry.get("columnId") or ""


def broken(path: str, new: object) -> list[dict]:
    return change(build.objects(), path.split("/"), new)


def renamed(old: str, new: str) -> Callable[[object], object]:
    """Replaces a word anywhere in a value."""
    return lambda value: json.loads(json.dumps(value).replace(old, new))


def added(more: object) -> Callable[[object], object]:
    return lambda value: [*value, more] if isinstance(value, list) else {**value, **more}


def untitled(panel: dict) -> dict:
    return {**panel, "title": "", "embeddableConfig": {**panel["embeddableConfig"], "title": ""}}


def test_what_is_shipped_has_no_problem():
    assert problems(build.objects()) == []


@pytest.mark.parametrize(
    ("path", "new", "words"),
    [
        # Types, versions, ids
        (f"dashboard:{SEARCH}/typeMigrationVersion", "10.9.0", "newer than Kibana from 8.19 on takes: wri"),
        ("tag:ingest-face/typeMigrationVersion", GONE, "has no typeMigrationVersion: write 8.0.0"),
        (f"{FACES}/coreMigrationVersion", "9.1.0", "coreMigrationVersion 9.1.0 is newer"),
        (f"{FACES}/typeMigrationVersion", "new", "not of the shape that Kibana 8.19 writes"),
        ("tag:ingest-face/attributes/name", GONE, "tag [ingest-face] has no title"),
        (f"dashboard:{SEARCH}/attributes/timeRestore", False, "opens on the last 15 minutes"),
        # References
        (f"{REFERENCES}/tag-ref-ingest-face/id", "other", "leads to tag [other], which isn't in the file"),
        (f"{REFERENCES}/boards:link_{HEALTH}_dashboard/id", "x", "dashboard [x], which isn't in the file"),
        (f"{REFERENCES}/boards:link_{HEALTH}_dashboard", GONE, f"[boards:link_{HEALTH}_dashboard], which is"),
        (REFERENCES, added({"type": "dashboard", "id": HEALTH, "name": "a:b"}), "nothing uses its reference"),
        (
            REFERENCES,
            added({"type": "tag", "id": "ingest-face", "name": "tag-ref-ingest-face"}),
            "2 references have the name [tag-ref-ingest-face]",
        ),
        (f"{REFERENCES}/controlGroup_person:optionsListDataView", GONE, "[controlGroup_person:optionsListDa"),
        (
            f"{FACES}/references",
            added({"type": "tag", "id": "ingest-face", "name": "tag"}),
            "nothing uses its reference [tag]",
        ),
        (f"{RANKED}/embeddableConfig/attributes/references/0/id", "x", "isn't the dashboard's [ranked:"),
        (
            f"dashboard:{PROBES}/attributes/kibanaSavedObjectMeta/searchSourceJSON/filter",
            [{"meta": {"indexRefName": "filter-0"}, "query": {}}],
            "no reference has the name [filter-0]",
        ),
        # Drilldowns
        (f"{DRILLDOWN}/action/name", "", "has no name: say where it leads"),
        (
            f"{WHERE}/embeddableConfig/enhancements/dynamicActions/events",
            added({"eventId": "web", "action": {"factoryId": "URL_DRILLDOWN", "name": "Web", "config": {}}}),
            "[URL_DRILLDOWN] needs a licence above Basic",
        ),
        # What one sees
        (
            f"{NEAREST}/gridData",
            added({"x": 47, "w": 2}),
            "panel [nearest] ends at column 49: the grid has 48, make it narrower",
        ),
        (f"{RANKED}/gridData/w", 25, "panel [ranked] and panel [matching] overlap"),
        (f"{NEAREST}/gridData/h", 0, "must be positive"),
        (f"{NEAREST}/gridData/i", "other", "gridData.i must be its panelIndex"),
        (f"{NEAREST}/gridData/x", "left", "not of the shape that Kibana 8.19 writes"),
        (
            f"{NEAREST}/embeddableConfig/title",
            "The photos most similar to the newest one",
            "2 panels have the title",
        ),
        (NEAREST, untitled, "panel [nearest] has no title"),
        # Lens
        (f"{WHERE}/{STATE}/visualization/breakdownByAccessor", "x", "draws a column [x], which isn't there"),
        (f"{WHERE}/{STATE}/visualization/yAccessor", GONE, "column [bucket-1] isn't drawn: drop it"),
        (
            f"{WHERE}/{STATE}/visualization/layers",
            [{"layerId": "x", "accessors": ["y"]}],
            "it draws a layer [x], which isn't there",
        ),
        (f"{WHERE}/{LAYER}/columnOrder/2", GONE, "column [metric-0] isn't in columnOrder"),
        (f"{WHERE}/{LAYER}/columnOrder", added("metric-1"), "column [metric-1] isn't in columns"),
        (f"{WHERE}/{LAYER}/columnOrder", lambda order: order[::-1], "must begin with the buckets"),
        (f"{WHERE}/{LAYER}/columns/metric-0/operationType", "guess", "operation [guess], which Lens doesn't"),
        (f"{WHERE}/{LAYER}/columns/metric-0/references", ["x"], "is made of [x], which isn't there"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/params/orderBy/columnId", "x", "is ordered by [x], which isn't"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/params/orderBy/columnId", "bucket-1", "which is no metric"),
        (
            f"{WHERE}/{STATE}/datasourceStates/textBased",
            {"layers": {"x": {}}},
            "[textBased] can't be checked",
        ),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", "observer", "can't be aggregated, it is object"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", "faces.label.name", "it is nested keyword"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", "thumbnail", "can't be aggregated, it is keyword"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", "error.message", "aggregated, it is text"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", "oberver.name", "has a field [oberver.name]"),
        (f"{WHERE}/{LAYER}/columns/bucket-0/sourceField", GONE, "column [bucket-0] has no sourceField"),
        (
            f"dashboard:{EXPLORATION}/{PANELS}/faces/{LAYER}/columns/metric-0/sourceField",
            "people",
            "field [people] can't be a number, it is keyword",
        ),
        (
            f"{WATCHED}/{LAYER}/columns/metric-0/filter/query",
            "matched_tags watch",
            "is no field with a value",
        ),
        (f"{WATCHED}/{LAYER}/columns/metric-0/filter/query", "matched_tag : a", "has a field [matched_tag]"),
        (f"{WATCHED}/{LAYER}/columns/metric-0/filter/query", "thumbnail : a", "can't be searched"),
        # Tables of documents
        (f"{RANKED}/embeddableConfig/attributes/columns/0", "thumb", "has a field [thumb]"),
        (f"{RANKED}/embeddableConfig/attributes/sort/0/0", "thumbnail", "can't be aggregated"),
        (f"{MATCHING}/{SOURCE}/query/query", "people : (", "isn't understood at [its end]"),
        (f"{RANKED}/{SOURCE}/indexRefName", GONE, "nothing uses its reference [ranked:kibanaSavedObjectMeta"),
        (f"{RANKED}/{SOURCE}", lambda text: text[:-1], "searchSourceJSON isn't JSON"),
        # Vega
        (f"{NEAREST}/{SPEC}", lambda text: text + "}", "the Vega specification isn't JSON"),
        (f"{NEAREST}/{SPEC}/$schema", "https://vega.github.io/schema/vega-lite/v5.json", "must be Vega 5's"),
        (f"{NEAREST}/{SPEC}/data/found/url/index", "photos", "covers the index [photos]"),
        (f"{NEAREST}/{SPEC}/data/found/url/index", "", "names no index, and would search every one"),
        (f"{NEAREST}/{SPEC}/data/found/url", "faces.json", "must be a search, not an address"),
        (f"{NEAREST}/{SPEC}/data/found/url/%context%", True, "refuses %context% and %timefield% beside"),
        (f"{NEAREST}/{SPEC}/data/found/url/%contxt%", True, "knows no %contxt% in a url"),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/query",
            renamed("_context-filter_clause%", "_context-filters_clause%"),
            "knows no token %dashboard_context-filters_clause%",
        ),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/knn",
            {"filter": ["%dashboard_context-filter_clause%"]},
            "only in a list inside body.query",
        ),
        (
            f"{PEOPLE}/{SPEC}/data/answer/url/body/aggs",
            added({"mine": {"filters": {"filters": ["%dashboard_context-must_clause%"]}}}),
            "only in a list inside body.query",
        ),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/post_filter",
            {"range": {"@timestamp": {"%timefilter%": True}}},
            "only inside body.query and body.aggs",
        ),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/query",
            renamed('"%timefilter%": true', '"%timefilter%": "from"'),
            "%timefilter% must be true, min or max",
        ),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/query",
            renamed("%timefilter%", "%timefiltr%"),
            "knows no token %timefiltr%",
        ),
        (f"{PEOPLE}/{SPEC}/data/answer/url/%timefield%", "people", "[people] can't be a date"),
        (
            f"{NEAREST}/{SPEC}/data/found/url/body/fields",
            added("file.pth"),
            "panel [nearest], data [found]: no template of faces has a field [file.pth]",
        ),
        (f"{NEAREST}/{SPEC}/description", "https://example.org/x.png", "is an address outside of Kibana"),
        (
            f"{PEOPLE}/{SPEC}/signals",
            renamed("}, 'faces', ", "}, 'faces*', "),
            "a click filters [faces*], which is no data view's index pattern",
        ),
        (
            f"{PEOPLE}/{SPEC}/signals",
            renamed("@person_plate:click", "@plate:click"),
            "waits for clicks on a mark [plate], which isn't there",
        ),
        # Markdown and links
        (NOTES, "[open](/app/dev_tools#/console)", "leaves the space or Kibana's base path"),
        (NOTES, "[there](dashboards#/view/ingest-face-none)", "links to the dashboard [ingest-face-none]"),
        (
            f"{FACES}/attributes/fieldFormatMap/_id/params/urlTemplate",
            "../app/dashboards#/view/other?_a=({{value}})",
            "index-pattern [ingest-face-faces], field [_id] links to the dashboard [other]",
        ),
        # Data views and controls
        (f"{FACES}/attributes/fieldAttrs/peple", {"customLabel": "P"}, "has a field [peple]"),
        (f"{FACES}/attributes/fieldFormatMap/peple", {"id": "number"}, "has a field [peple]"),
        (f"{FACES}/attributes/sourceFilters/0/value", "immage", "hides a field [immage]"),
        (f"{FACES}/attributes/timeFieldName", "people", "[people] can't be a date, it is keyword"),
        (f"{FACES}/attributes/fieldAttrs", "{", "fieldAttrs isn't JSON"),
        (
            f"dashboard:{SEARCH}/{CONTROLS}/person/explicitInput/fieldName",
            "best_quality",
            "can't be a keywor",
        ),
        (
            f"dashboard:{SEARCH}/{CONTROLS}/quality/explicitInput/fieldName",
            "people",
            "[people] can't be a num",
        ),
        (f"dashboard:{SEARCH}/{CONTROLS}/person/explicitInput/fieldName", "name", "has a field [name]"),
        (f"dashboard:{SEARCH}/{CONTROLS}/time/type", "slider", "unknown kind [slider]"),
    ],
)
def test_what_is_broken_is_named(path, new, words):
    found = problems(broken(path, new))

    assert len(found) == 1, found
    assert words in found[0]


def test_an_id_that_two_objects_have_is_named():
    shipped = build.objects()

    assert problems([*shipped, shipped[0]]) == ["tag [ingest-face] is there 2 times: an id is for one object"]


def test_an_object_of_a_type_that_is_not_shipped_is_named():
    search = {"type": "search", "id": "x", "attributes": {"title": "X"}, "references": []}

    (problem,) = problems([*build.objects(), search])

    assert "search [x]: not of a type that we ship" in problem


def test_a_panel_that_is_there_twice_is_named():
    twice = broken(f"dashboard:{HEALTH}/{PANELS}", lambda text: json.dumps(json.loads(text) * 2))

    assert any("2 panels have the id [requests]: give each its own" in problem for problem in problems(twice))


def test_the_summary_at_an_exports_end_is_no_problem():
    assert problems([*build.objects(), {"exportedCount": 9, "missingRefCount": 0}]) == []


@pytest.mark.parametrize("line", [None, 5, "x", [], {}, {"type": "dashboard", "id": "x"}])
def test_a_line_that_is_no_saved_object_is_one_problem(line):
    (problem,) = problems([*build.objects(), line])

    assert "not of the shape that Kibana 8.19 writes" in problem


@pytest.mark.parametrize("garbage", [None, 5, "x", [], {}, {"x": [None]}])
def test_garbage_anywhere_never_ends_in_a_traceback(garbage):
    choose = random.Random(1)
    for path in choose.sample(list(paths(build.objects())), 30):
        found = problems(replaced(build.objects(), path, garbage))
        assert all(isinstance(problem, str) for problem in found), path


def paths(value: object, above: tuple = ()) -> Iterator[tuple]:
    """Every place in a value, also inside the JSON of its strings."""
    inner = nested(value)
    if isinstance(inner, dict | list):
        for key in inner if isinstance(inner, dict) else range(len(inner)):
            yield (*above, key)
            yield from paths(inner[key], (*above, key))


def replaced(value: object, path: tuple, new: object) -> object:
    if not path:
        return new
    inner = nested(value)
    inner[path[0]] = replaced(inner[path[0]], path[1:], new)
    return json.dumps(inner) if isinstance(value, str) else inner


def nested(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
