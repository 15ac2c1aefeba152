"""Vega panels: data sets that ask Elasticsearch, transforms of their rows, and the panel itself.

Kibana replaces a panel's tokens (`%...%`) only inside ``body.query`` and ``body.aggs`` of a search.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kibana.objects.field_use import FieldUse, fields_in_search
from kibana.objects.panel import Panel, visualization
from kibana.saved_object import dumped

Spec = dict[str, Any]
"""A part of a Vega specification."""

BOARD = ["%dashboard_context-must_clause%", "%dashboard_context-filter_clause%"]
NOT_BOARD = ["%dashboard_context-must_not_clause%"]

ABOUT = ["@timestamp", "observer.name", "file.path"]
"""Fields that ``described`` reads from a hit."""


def panel(key: str, title: str, spec: Spec, description: str) -> Panel:
    whole = {"$schema": "https://vega.github.io/schema/vega/v5.json", "padding": 8, **spec}
    return visualization(key, "vega", title, description, {"spec": dumped(whole)}, _uses(spec))


def _uses(spec: Spec) -> Iterator[FieldUse]:
    for data in spec["data"]:
        if url := data.get("url"):
            part = f"data [{data['name']}]"
            if time_field := url.get("%timefield%"):
                yield FieldUse(url["index"], time_field, "date", part=part)
            yield from fields_in_search(url["index"], url["body"], part)


def board(*more: Spec, time_field: str = "@timestamp") -> list[Any]:
    """Clauses for the board's controls, filters, query and time range, and ``more``."""
    return [*BOARD, {"bool": {"must_not": NOT_BOARD}}, in_time(time_field), *more]


def in_time(field: str = "@timestamp") -> Spec:
    return {"range": {field: {"%timefilter%": True}}}


def search(name: str, index: str, body: Spec, rows: str, transform: list[Spec] | None = None) -> Spec:
    """A data set whose rows are the result of a search.

    Args:
        rows: the path to the rows in the answer, such as ``hits.hits``.
    """
    found = {"name": name, "url": {"index": index, "body": body}, "format": {"property": rows}}
    return found | ({"transform": transform} if transform else {})


def counts(name: str, index: str, time_field: str, aggs: Spec, transform: list[Spec]) -> Spec:
    """A data set with one row: the answer to aggregations over what the board shows. It has none without an
    index.

    Args:
        transform: of that row; its ``aggregations`` are the answer's.
    """
    url = {
        "%context%": True,
        "%timefield%": time_field,
        "index": index,
        "body": {"size": 0, "aggs": aggs},
    }
    return {
        "name": name,
        "url": url,
        "transform": [{"type": "filter", "expr": "datum.aggregations"}, *transform],
    }


def formula(name: str, expression: str) -> Spec:
    return {"type": "formula", "as": name, "expr": expression}


def each(rows: str, name: str) -> list[Spec]:
    """Transforms that make a row of each item of a list.

    Args:
        rows: an expression for the list.
        name: the field that gets the item.
    """
    return [
        formula("items", rows),
        {"type": "flatten", "fields": ["items"], "as": [name]},
        {"type": "filter", "expr": f"datum.{name}"},
    ]


def each_face() -> list[Spec]:
    """Transforms that make a row of each face among a hit's inner hits. The search must ask for ``ABOUT``.

    The rows get ``document`` and ``face`` (ids), ``crop``, ``name`` (of the label, or null), ``hit`` (the
    inner hit) and the fields of ``described``.
    """
    return [
        *described(),
        formula("document", "datum._id"),
        *each("datum.inner_hits.faces.hits.hits", "hit"),
        formula("face", "datum.hit._source.id"),
        formula("crop", "datum.hit._source.crop"),
        formula("name", "datum.hit._source.label ? datum.hit._source.label.name : null"),
    ]


def described() -> list[Spec]:
    """Transforms that add ``when`` (milliseconds), ``day``, ``observer`` and ``file``, from ``ABOUT``."""
    fields = "datum.fields"
    return [
        formula("when", f"toDate({first(fields, '@timestamp')})"),
        formula("day", "utcFormat(datum.when, '%Y-%m-%d %H:%M')"),
        formula("observer", first(fields, "observer.name")),
        formula("file", file_name(fields)),
    ]


def first(fields: str, name: str) -> str:
    """An expression for the first value of a hit's field, or null."""
    return f"{fields} && {fields}['{name}'] ? {fields}['{name}'][0] : null"


def file_name(fields: str) -> str:
    """An expression for the last part of a hit's path, or null."""
    path = first(fields, "file.path")
    return f"{fields} && {fields}['file.path'] ? peek(split(({path}), '/')) : null"


def lookup(data: str, key: str, fields: list[str], names: list[str]) -> Spec:
    """A transform that looks up pictures: for each of ``fields``, the ``crop`` of the row of ``data`` whose
    ``key`` has the same value, named as ``names`` says."""
    return {"type": "lookup", "from": data, "key": key, "fields": fields, "values": ["crop"], "as": names}


def numbered(name: str = "index") -> Spec:
    """A transform that numbers the rows, from 1."""
    return {"type": "window", "ops": ["row_number"], "as": [name]}
