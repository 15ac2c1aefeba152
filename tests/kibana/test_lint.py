"""The lint: what we ship has no problem, and every mistake of an author is named, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kibana import build
from kibana.boards import HEALTH, NEEDS_PICTURES, SEARCH, TAG, data_views
from kibana.build import Content
from kibana.lint import problems
from kibana.objects import kql, lens, over_time, vega
from kibana.objects import vega_marks as marks
from kibana.objects.dashboard import Control, Dashboard, Row
from kibana.objects.data_view import DataView, Field, link
from kibana.objects.panel import Panel, documents, links, markdown

FACES = data_views.FACES
NO_VIEW = replace(FACES, id="no-such-view")
PHOTOS = lens.count("Photos")


def with_board(*panels: Panel, controls: tuple[Control, ...] = (), tag: str = TAG) -> Content:
    """What we ship, and a board with these panels."""
    return with_rows(tuple(Row(10, ((panel, 48),)) for panel in panels), controls, tag)


def with_rows(rows: tuple[Row, ...], controls: tuple[Control, ...] = (), tag: str = TAG) -> Content:
    shipped = build.content()
    board = Dashboard("planted", "Planted", "", FACES, controls, rows, tag)
    return replace(shipped, dashboards=(*shipped.dashboards, board))


def with_view(**changes: object) -> Content:
    """What we ship, and a data view like that of the archive."""
    shipped = build.content()
    return replace(shipped, views=(*shipped.views, replace(FACES, id="planted", **changes)))


def chart(by: lens.Column, value: lens.Column = PHOTOS, view: DataView = FACES, key: str = "p") -> Panel:
    return lens.bars(key, f"Chart {key}", view, by, value)


def number(value: lens.Column) -> Panel:
    return lens.metric("p", "Number", FACES, value)


def table(column: str = "_id", sort: str = "@timestamp", query: object = kql.EVERYTHING) -> Panel:
    return documents("p", "Table", FACES, {column: None}, [(sort, "desc")], query)


def drawing(
    body: dict | None = None, index: str = "faces", signals: list | None = None, **url: object
) -> Panel:
    data = vega.search("found", index, {"size": 1} if body is None else body, "hits.hits")
    data["url"] |= url
    spec = {"signals": signals or [], "data": [data], "marks": marks.faces("face", "found", 80, "''")}
    return vega.panel("p", "Drawing", spec, NEEDS_PICTURES)


def counting(aggs: dict, time_field: str = "@timestamp") -> Panel:
    spec = {"data": [vega.counts("answer", "faces", time_field, aggs, [])], "marks": []}
    return vega.panel("p", "Counts", spec, "")


def control(kind: str, field: str) -> Content:
    return with_board(controls=(Control("c", kind, "Control", field),))


def drawing_unknown_column() -> Panel:
    panel = chart(lens.top("Person", "people", 5))
    state = panel.config["attributes"]["state"]
    state["visualization"]["layers"][0]["splitAccessor"] = "bucket-1"
    return panel


def test_what_is_shipped_has_no_problem():
    assert problems(build.content()) == []


@pytest.mark.parametrize("index", ["faces", "face-gallery", "faces,face-gallery,face-probes"])
def test_a_board_without_a_mistake_has_no_problem(index):
    panels = (
        chart(lens.top("Person", "people", 5)),
        over_time.stacked("over-time", "When?", index, "event.ingested", "observer.name"),
        markdown("notes", "Notes", f"[boards](dashboards#/view/{HEALTH}), [web](https://example.org)"),
    )
    assert problems(with_board(*panels)) == []


FIELDS = {
    "unknown": (with_board(chart(lens.top("Observer", "oberver.name", 5))), "[oberver.name]"),
    "object": (with_board(chart(lens.top("Observer", "observer", 5))), "[observer] is object"),
    "nested": (
        with_board(chart(lens.top("Name", "faces.label.name", 5))),
        "[faces.label.name] is nested key",
    ),
    "no doc values": (with_board(chart(lens.top("Photo", "thumbnail", 5))), "[thumbnail] is keyword"),
    "text": (with_board(number(lens.distinct("Errors", "error.message"))), "[error.message] is text"),
    "no number": (with_board(number(lens.total("People", "people"))), "[people] is keyword"),
    "no date": (with_board(number(lens.latest("Last", "people"))), "[people] is keyword"),
    "no range": (with_board(chart(lens.ranges("People", "people", [0, 1]))), "[people] is keyword"),
    "no percentile": (with_board(number(lens.percentile("P", "tags", 50))), "[tags] is keyword"),
    "filter": (with_board(number(lens.count("A", kql.equals("tag", "a")))), "[tag]"),
    "not searchable": (
        with_board(number(lens.count("A", kql.exists("thumbnail")))),
        "[thumbnail] is keyword",
    ),
    "case": (with_board(chart(lens.cases("Case", {"low": kql.below("qualty", 0.3)}))), "[qualty]"),
    "column": (with_board(table(column="thumb")), "[thumb]"),
    "sort": (with_board(table(sort="thumbnail")), "[thumbnail] is keyword"),
    "KQL of a table": (with_board(table(query=kql.between("similarity", 0, 1))), "[similarity]"),
    "DSL of a table": (with_board(table(query={"term": {"peple": "Ann"}})), "[peple]"),
    "list": (control("optionsListControl", "best_quality"), "[best_quality] is"),
    "slider": (control("rangeSliderControl", "people"), "[people] is keyword"),
    "control": (control("optionsListControl", "name"), "control [c]"),
    "label": (with_view(fields={"peple": Field("People", "")}), "[peple]"),
    "time field": (with_view(time_field="people"), "[people] is keyword"),
    "hidden": (with_view(hidden=("immage",)), "[immage]"),
    "index of a view": (with_view(pattern="faces,photos"), "[photos]"),
    "Vega": (with_board(drawing({"fields": ["file.pth"]})), "panel [p], data [found]"),
    "Vega's sort": (with_board(drawing({"sort": [{"tme": {"order": "desc"}}]})), "[tme]"),
    "Vega's time": (with_board(counting({}, time_field="people")), "[people] is keyword"),
    "Vega's filter": (with_board(drawing({"query": vega.in_time("people")})), "[people] is keyword"),
    "Vega's sum": (with_board(counting({"sum": {"sum": {"field": "people"}}})), "[people] is keyword"),
    "Vega's terms": (
        with_board(counting({"t": {"terms": {"field": "error.message"}}})),
        "[error.message] is text",
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_not_there_or_does_not_fit_is_named(name):
    content, fact = FIELDS[name]
    (problem,) = problems(content)
    assert fact in problem


TWICE = number(PHOTOS).leading_to(SEARCH, "Go").leading_to(SEARCH, "Go")
REFERENCES = {
    "drilldown": (with_board(number(PHOTOS).leading_to("nowhere", "Go")), "dashboard [nowhere]"),
    "link": (with_board(links("p", {"nowhere": "There"})), "dashboard [nowhere]"),
    "data view": (
        with_board(chart(lens.top("Person", "people", 5), view=NO_VIEW)),
        "index-pattern [no-such-view]",
    ),
    "tag": (with_board(tag="no-such-tag"), "tag [no-such-tag]"),
    "drilldowns": (with_board(TWICE), f"to-{SEARCH}:dashboardId]"),
    "Markdown": (with_board(markdown("p", "Notes", "[go](dashboards#/view/nowhere)")), "[nowhere]"),
    "data view's link": (
        with_view(
            fields={
                "file.hash.sha256": Field(
                    "Hash", "", link("../app/dashboards#/view/nowhere?_a=({{value}})", "go")
                )
            }
        ),
        "[nowhere]",
    ),
    "out of the space": (
        with_board(markdown("p", "Notes", "[go](/app/dev_tools#/console)")),
        "[/app/dev_tools#",
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_that_leads_nowhere_is_named(name):
    content, fact = REFERENCES[name]
    (problem,) = problems(content)
    assert fact in problem


def test_an_id_that_two_objects_have_is_named():
    shipped = build.content()
    (problem,) = problems(replace(shipped, dashboards=(*shipped.dashboards, shipped.dashboards[0])))
    assert f"dashboard [{SEARCH}]" in problem


ONE, OTHER = (chart(lens.top("Person", "people", 5), key=key) for key in ("one", "other"))
LAYOUTS = {
    "overlap": (with_rows((Row(10, ((ONE, 60), (OTHER, -12))),)), "[60, -12]"),
    "no height": (with_rows((Row(0, ((ONE, 48),)),)), "height 0"),
    "too wide": (with_rows((Row(10, ((ONE, 48), (OTHER, 1))),)), "has 49 columns"),
    "a gap": (with_rows((Row(10, ((ONE, 24), (OTHER, 23))),)), "has 47 columns"),
    "id": (with_board(markdown("one", "A", ""), markdown("one", "B", "")), "2 panels have the id [one]"),
    "title": (with_board(ONE, replace(OTHER, title=ONE.title)), f"[{ONE.title}]"),
    "no title": (with_board(replace(ONE, title=" ")), "dashboard [planted]"),
    "control": (with_board(controls=(Control("c", "timeSlider", "Time"),) * 2), "2 controls have the id [c]"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_panel_without_a_place_or_name_of_its_own_is_named(name):
    content, fact = LAYOUTS[name]
    (problem,) = problems(content)
    assert fact in problem


COLUMNS = {
    "a metric as a bucket": (chart(PHOTOS), "[Photos]"),
    "a bucket as a metric": (number(lens.ranges("Faces", "face_count", [0, 1])), "[Faces]"),
    "an order by nothing": (lens.table("p", "T", FACES, [lens.top("Who", "people", 5)], []), "[metric-0]"),
    "not there": (drawing_unknown_column(), "[bucket-1]"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_chart_of_columns_that_do_not_fit_is_named(name):
    panel, fact = COLUMNS[name]
    (problem,) = problems(with_board(panel))
    assert fact in problem


CLICK = "kibanaAddFilter({{term: {{people: datum.name}}}}, '{}', 'Person')"
BROKEN = ["%dashboard_context-filters_clause%"]
DRAWINGS = {
    "a token beside the query": (drawing({"knn": {"filter": vega.BOARD[:1]}}), vega.BOARD[0]),
    "a clause in an aggregation": (
        counting({"f": {"filter": {"bool": {"must": vega.BOARD[:1]}}}}),
        vega.BOARD[0],
    ),
    "a misspelt token": (drawing({"query": {"bool": {"filter": BROKEN}}}), BROKEN[0]),
    "a misspelt key": (drawing({"query": {"bool": {"filter": [{"%timefiltr%": True}]}}}), "%timefiltr%"),
    "an index without a data view": (drawing(index="faces,photos"), "[photos]"),
    "context and query": (drawing({"query": {"match_all": {}}}, **{"%context%": True}), "%context%"),
    "an address": (
        drawing(signals=[{"name": "x", "value": "https://example.org/x.png"}]),
        "https://example.org",
    ),
    "a click on nothing": (drawing(signals=[{"name": "x", "on": [{"events": "@plate:click"}]}]), "[plate]"),
    "a click on no data view": (drawing(signals=[marks.clicked("face", CLICK.format("faces*"))]), "[faces*]"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_that_kibana_would_not_fill_in_or_show_is_named(name):
    panel, fact = DRAWINGS[name]
    (problem,) = problems(with_board(panel))
    assert fact in problem
