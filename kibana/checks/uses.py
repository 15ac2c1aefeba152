"""Which field each part of a board wants, and for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kibana.checks import kql, lens, vega
from kibana.checks.fields import META, NEEDS, Template, find
from kibana.checks.reading import SOURCE, Board, Control, Export, Json, Panel, View

CONTROLS = {"optionsListControl": "a keyword", "rangeSliderControl": "a number", "timeSlider": ""}
"""What a control wants of its field; a time slider has none."""
OF_A_FIELD = ("match", "match_phrase", "prefix", "range", "regexp", "term", "terms", "terms_set", "wildcard")
"""Queries with the field as a key."""
LISTS = ("_source", "docvalue_fields", "fields", "stored_fields")
NAMED = ("aggs", "aggregations")
"""Their keys are names of our own."""
OF_BUCKETS = ("bucket_sort", "bucket_script", "bucket_selector", "order")
"""They speak of aggregations, not of fields."""


@dataclass(frozen=True)
class Use:
    """need: one of ``NEEDS``."""

    where: str
    parts: tuple[str, ...]
    field: str
    need: str


def check(export: Export, known: dict[str, Template]) -> None:
    for view in export.views.values():
        export.guarded(view.where, _view_fields, view, known)
        export.guarded(view.where, _unfit, _of_view(view), known)
    for board in export.boards:
        export.guarded(board.where, _not_understood, board.where, board.source)
        for control in board.controls:
            export.guarded(control.where, _control, control)
            export.guarded(control.where, _unfit, _of_control(export, board, control), known)
        for panel in board.panels:
            export.guarded(panel.where, _not_understood, panel.where, panel.config)
            export.guarded(panel.where, _unfit, of_panel(export, panel), known)


def every(export: Export) -> Iterator[Use]:
    for view in export.views.values():
        yield from _of_view(view)
    for board in export.boards:
        for control in board.controls:
            yield from _of_control(export, board, control)
        for panel in board.panels:
            yield from of_panel(export, panel)


def of_panel(export: Export, panel: Panel) -> Iterator[Use]:
    if panel.by_reference:
        return
    if panel.type == "lens":
        yield from _of_lens(export, panel)
    elif panel.type == "search":
        yield from _of_search(export, panel)
    elif vega.is_vega(panel):
        for search in vega.searches(panel):
            yield from _of_vega(search)


def named_in(value: Any) -> Iterator[tuple[str, str]]:
    """(field, need) of everything that a search's body names."""
    if isinstance(value, list):
        for one in value:
            yield from named_in(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _keyed(key, one)


def _keyed(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if key in NAMED or (key == "filters" and isinstance(value, dict) and "filters" not in value):
        yield from named_in(list(value.values()))
    elif key in ("field", "path") and isinstance(value, str):
        yield value, "shown"
    elif key in LISTS:
        yield from ((name, "shown") for name in _listed(value))
    elif key == "sort":
        for one in value if isinstance(value, list) else [value]:
            yield from (
                (name, "shown") for name in ([one] if isinstance(one, str) else one) if name != "_doc"
            )
    elif key in OF_A_FIELD and isinstance(value, dict) and not isinstance(value.get("field"), str):
        for name, asked in value.items():
            if name not in ("boost", "_name"):
                timed = isinstance(asked, dict) and "%timefilter%" in str(asked)
                yield name, "a date" if timed else "shown"
    elif key not in OF_BUCKETS:
        yield from named_in(value)


def _listed(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _listed(part)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one["field"] if isinstance(one, dict) else one for one in value)


def _of_view(view: View) -> Iterator[Use]:
    parts = tuple(view.parts)
    if view.time_field:
        yield Use(view.where, parts, view.time_field, "a date")
    for name in {**view.attrs, **view.formats}:
        yield Use(view.where, parts, name, "shown")


def _of_control(export: Export, board: Board, control: Control) -> Iterator[Use]:
    view = export.view(board.references.get(control.reference))
    need = CONTROLS.get(control.type)
    if view and need:
        yield Use(control.where, tuple(view.parts), control.field, need)


def _of_lens(export: Export, panel: Panel) -> Iterator[Use]:
    state = panel.config["attributes"]["state"]
    for layer in lens.layers(panel):
        view = export.view(panel.references.get(layer.reference))
        if view is None:
            continue
        parts = tuple(view.parts)
        for column in layer.columns.values():
            yield from (Use(layer.where, parts, *asked) for asked in _of_column(column))
        yield from (Use(panel.where, parts, *asked) for asked in _queried(state.get("query")))
        yield from (Use(panel.where, parts, *asked) for asked in named_in(_bodies(state.get("filters"))))


def _of_column(column: Json) -> Iterator[tuple[str, str]]:
    params = column.get("params") or {}
    need = lens.OPERATIONS.get(column["operationType"])
    if need and "sourceField" in column:
        for name in (column["sourceField"], *(params.get("secondaryFields") or [])):
            yield name, need
    elif column["operationType"] == "count" and column.get("sourceField") != "___records___":
        yield column["sourceField"], "aggregated"
    if params.get("orderAgg"):
        yield from _of_column(params["orderAgg"])
    for query in (column.get("filter"), *(one["input"] for one in params.get("filters") or [])):
        yield from _queried(query)


def _of_search(export: Export, panel: Panel) -> Iterator[Use]:
    attributes = panel.config["attributes"]
    source = attributes["kibanaSavedObjectMeta"][SOURCE]
    view = export.view(panel.references.get(source.get("indexRefName")))
    if view is None:
        return
    parts = tuple(view.parts)
    for name in attributes["columns"]:
        yield Use(panel.where, parts, name, "shown")
    for name, *_ in attributes["sort"]:
        if name != "_score":
            yield Use(panel.where, parts, name, "aggregated")
    yield from (Use(panel.where, parts, *asked) for asked in _queried(source.get("query")))
    yield from (Use(panel.where, parts, *asked) for asked in named_in(_bodies(source.get("filter"))))


def _of_vega(search: vega.Search) -> Iterator[Use]:
    parts = tuple(part.strip() for part in search.index.split(","))
    if time_field := search.url.get("%timefield%"):
        yield Use(search.where, parts, time_field, "a date")
    for name, need in named_in(search.body):
        yield Use(search.where, parts, name, need)


def _bodies(filters: list[Json] | None) -> list[Any]:
    return [one.get("query") for one in filters or []]


def _queried(query: Any) -> Iterator[tuple[str, str]]:
    """Of a KQL query; what is wrong with it, ``_not_understood`` says."""
    if isinstance(query, dict) and query.get("language") == "kuery":
        try:
            names = list(kql.fields(kql.parse(query["query"])))
        except kql.KqlError:
            return
        yield from ((name, "searched") for name in names)


def _not_understood(where: str, value: Any) -> Iterator[str]:
    for query in _queries(value):
        if query["language"] == "kuery":
            try:
                kql.parse(query["query"])
            except kql.KqlError as error:
                yield f"{where}: the query {error}"


def _queries(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _queries(one)
    elif isinstance(value, dict):
        if "language" in value and "query" in value:
            yield value
        for one in value.values():
            yield from _queries(one)


def _view_fields(view: View, known: dict[str, Template]) -> Iterator[str]:
    for part in view.parts:
        if part not in known:
            yield f"{view.where}: no template is for the index [{part}]: there are {', '.join(known)}"
    for name in view.hidden:
        if not any(find(template, name) for template in known.values()):
            yield f"{view.where}: it hides a field [{name}], which no template has: is it spelt so?"


def _control(control: Control) -> Iterator[str]:
    if control.type not in CONTROLS:
        yield f"{control.where}: unknown kind [{control.type}]: there are {', '.join(CONTROLS)}"
    elif CONTROLS[control.type] and not control.field:
        yield f"{control.where} has no field: name one"


def _unfit(uses: Iterator[Use], known: dict[str, Template]) -> Iterator[str]:
    for use in dict.fromkeys(uses):
        templates = [known[part] for part in use.parts if part in known]
        found = [field for field in (find(template, use.field) for template in templates) if field]
        if templates and not found:
            yield (
                f"{use.where}: no template of {', '.join(use.parts)} has a field [{use.field}]: is it spelt "
                "so, or missing in es_setup/component_templates?"
            )
        elif not all(NEEDS[use.need](field) for field in found):
            kind = ("nested " if found[0].nested else "") + found[0].type
            yield f"{use.where}: field [{use.field}] can't be {use.need}, it is {kind}: take another"


def used(export: Export, known: dict[str, Template]) -> dict[str, set[str]]:
    """Index -> the fields that are wanted of it. A field that only some indices of a pattern have is wanted
    of those; one that none has, of all."""
    wanted: dict[str, set[str]] = {}
    for use in every(export):
        have = [part for part in use.parts if find(known.get(part, {}), use.field)]
        for part in have or use.parts:
            names = wanted.setdefault(part, set())
            if use.field not in META:
                names.add(use.field)
    return wanted
