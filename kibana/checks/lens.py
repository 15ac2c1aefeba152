"""Lens: what a chart draws exists, and what exists is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kibana.checks.reading import Export, Json, Panel

OPERATIONS: dict[str, str] = {
    # operation -> what it wants of its field; empty: it has none
    "count": "",
    "sum": "a number",
    "average": "a number",
    "median": "a number",
    "standard_deviation": "a number",
    "min": "a number or date",
    "max": "a number or date",
    "unique_count": "aggregated",
    "percentile": "a number",
    "percentile_rank": "a number",
    "last_value": "shown",
    "terms": "aggregated",
    "range": "a number",
    "date_histogram": "a date",
    "filters": "",
    "formula": "",
    "math": "",
    "static_value": "",
    "cumulative_sum": "",
    "counter_rate": "",
    "differences": "",
    "moving_average": "",
    "normalize_by_unit": "",
    "overall_sum": "",
    "overall_min": "",
    "overall_max": "",
    "overall_average": "",
    "time_range": "",
    "interval": "",
    "now": "",
}
ALSO_ACCESSORS = ("columnId", "primaryGroups", "secondaryGroups", "metrics", "forAccessor")


@dataclass(frozen=True)
class Layer:
    """reference: the name of the reference to its data view."""

    id: str
    where: str
    columns: dict[str, Json]
    order: list[str]

    @property
    def reference(self) -> str:
        return f"indexpattern-datasource-layer-{self.id}"


def check(export: Export) -> None:
    for board in export.boards:
        for panel in board.panels:
            if panel.type == "lens" and not panel.by_reference:
                export.guarded(panel.where, _panel, panel)


def layers(panel: Panel) -> list[Layer]:
    sources = panel.config["attributes"]["state"]["datasourceStates"]
    found = sources.get("formBased", {}).get("layers", {})
    return [
        Layer(key, f"{panel.where}, layer [{key}]", dict(layer["columns"].items()), layer["columnOrder"])
        for key, layer in found.items()
    ]


def _panel(panel: Panel) -> Iterator[str]:
    state = panel.config["attributes"]["state"]
    for kind, source in state["datasourceStates"].items():
        if kind != "formBased" and source.get("layers"):
            yield f"{panel.where}: a data source [{kind}] can't be checked: make the chart of a data view"
    drawn = list(_accessors(state["visualization"]))
    found = layers(panel)
    if not found:
        yield f"{panel.where} has no layer: there is nothing to draw"
    for layer in found:
        accessed = [name for of, name in drawn if of in ("", layer.id)]
        yield from _columns(layer, accessed)
    known = {layer.id for layer in found}
    for of in sorted({of for of, _ in drawn} - known - {""}):
        yield f"{panel.where}: it draws a layer [{of}], which isn't there"


def _columns(layer: Layer, accessed: list[str]) -> Iterator[str]:
    columns, order = layer.columns, layer.order
    for name in accessed:
        if name not in columns:
            yield f"{layer.where}: the chart draws a column [{name}], which isn't there: add it"
    for name in sorted(set(columns) ^ set(order)):
        lacking = "columns" if name in order else "columnOrder"
        yield f"{layer.where}: column [{name}] isn't in {lacking}: add it"
    bucketed = [bool(columns[name].get("isBucketed")) for name in order if name in columns]
    if bucketed != sorted(bucketed, reverse=True):
        yield f"{layer.where}: columnOrder must begin with the buckets"
    used = {*accessed, *(name for column in columns.values() for name in column.get("references", []))}
    for name, column in columns.items():
        if name not in used:
            yield f"{layer.where}: column [{name}] isn't drawn: drop it"
        operation = column["operationType"]
        if operation not in OPERATIONS:
            yield f"{layer.where}: column [{name}] has an operation [{operation}], which Lens doesn't know"
        elif OPERATIONS[operation] and not column.get("sourceField"):
            yield f"{layer.where}: column [{name}] has no sourceField"
        for other in column.get("references", []):
            if other not in columns:
                yield f"{layer.where}: column [{name}] is made of [{other}], which isn't there: add it"
        yield from _ordered(layer, name, column)


def _ordered(layer: Layer, name: str, column: Json) -> Iterator[str]:
    by = (column.get("params") or {}).get("orderBy") or {}
    if by.get("type") != "column":
        return
    other = layer.columns.get(by["columnId"])
    if other is None:
        yield f"{layer.where}: column [{name}] is ordered by [{by['columnId']}], which isn't there: add it"
    elif other.get("isBucketed"):
        yield f"{layer.where}: column [{name}] is ordered by [{by['columnId']}], which is no metric"


def _accessors(value: Any, layer: str = "") -> Iterator[tuple[str, str]]:
    """(layer, column) of everything that a visualization draws."""
    if isinstance(value, list):
        for one in value:
            yield from _accessors(one, layer)
    elif isinstance(value, dict):
        layer = value.get("layerId", layer)
        for key, one in value.items():
            if key.lower().endswith(("accessor", "accessors")) or key in ALSO_ACCESSORS:
                names = one if isinstance(one, list) else [one]
                yield from ((layer, name) for name in names if isinstance(name, str))
            if isinstance(one, dict | list):
                yield from _accessors(one, layer)
