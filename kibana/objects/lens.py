"""Lens charts, by value. A chart has one layer, ``layer``, over one data view."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kibana.objects.data_view import DataView
from kibana.objects.panel import NO_QUERY, Panel

LAYER = "layer"
RECORDS = "___records___"


@dataclass(frozen=True)
class Column:
    """A column of the table that a chart is drawn from: a bucket or a metric."""

    label: str
    operation: str
    field: str
    data_type: str
    bucketed: bool
    scale: str
    params: dict[str, Any]
    filter: str = ""

    def as_json(self) -> dict[str, Any]:
        narrowed = {"filter": {"query": self.filter, "language": "kuery"}} if self.filter else {}
        return {
            "label": self.label,
            "customLabel": True,
            "operationType": self.operation,
            **({"sourceField": self.field} if self.field else {}),
            "dataType": self.data_type,
            "isBucketed": self.bucketed,
            "scale": self.scale,
            "params": self.params,
            **narrowed,
        }


def count(label: str, where: str = "") -> Column:
    """Documents, of those that ``where`` (KQL) matches."""
    return Column(label, "count", RECORDS, "number", False, "ratio", {"emptyAsNull": False}, where)


def total(label: str, field: str, where: str = "") -> Column:
    return Column(label, "sum", field, "number", False, "ratio", {"emptyAsNull": False}, where)


def distinct(label: str, field: str, where: str = "") -> Column:
    return Column(label, "unique_count", field, "number", False, "ratio", {"emptyAsNull": False}, where)


def latest(label: str, field: str) -> Column:
    """The last date."""
    return Column(label, "max", field, "date", False, "ratio", {"emptyAsNull": True})


def percentile(label: str, field: str, percent: int) -> Column:
    return Column(label, "percentile", field, "number", False, "ratio", {"percentile": percent})


def top(label: str, field: str, size: int, data_type: str = "string") -> Column:
    """The ``size`` values of ``field`` with the most of the chart's first metric."""
    params = {
        "size": size,
        "orderBy": {"type": "column", "columnId": "metric-0"},
        "orderDirection": "desc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
    }
    return Column(label, "terms", field, data_type, True, "ordinal", params)


def ranges(label: str, field: str, bounds: Sequence[float], names: list[str] | None = None) -> Column:
    """From each bound to the next."""
    pairs = list(itertools.pairwise(bounds))
    shown = names or [f"{low:g} to {high:g}" for low, high in pairs]
    params = {
        "type": "range",
        "ranges": [
            {"from": low, "to": high, "label": name} for (low, high), name in zip(pairs, shown, strict=True)
        ],
        "maxBars": "auto",
        "parentFormat": {"id": "range", "params": {"template": "arrow_right", "replaceInfinity": True}},
    }
    return Column(label, "range", field, "string", True, "ordinal", params)


def cases(label: str, queries: dict[str, str]) -> Column:
    """One bucket a query: name -> KQL."""
    params = {
        "filters": [
            {"label": name, "input": {"query": query, "language": "kuery"}} for name, query in queries.items()
        ]
    }
    return Column(label, "filters", "", "string", True, "ordinal", params)


def metric(key: str, title: str, view: DataView, value: Column, description: str = "") -> Panel:
    state = {"layerId": LAYER, "layerType": "data", "metricAccessor": "metric-0"}
    panel = _panel(key, title, view, "lnsMetric", state, [], [value], description)
    # The tile has the name of its value, which says the same.
    return replace(panel, config=panel.config | {"hidePanelTitles": True})


def bars(
    key: str,
    title: str,
    view: DataView,
    by: Column,
    value: Column,
    split: Column | None = None,
    horizontal: bool = False,
    description: str = "",
) -> Panel:
    series = "bar_horizontal_stacked" if horizontal else "bar_stacked"
    buckets = [by, *([split] if split else [])]
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": series,
        "position": "top",
        "showGridlines": False,
        "xAccessor": "bucket-0",
        "accessors": ["metric-0"],
        **({"splitAccessor": "bucket-1"} if split else {}),
    }
    shown = {"x": True, "yLeft": True, "yRight": True}
    state = {
        "preferredSeriesType": series,
        "legend": {"isVisible": split is not None, "position": "right"},
        "valueLabels": "show",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": True, "yLeft": False, "yRight": False},
        "tickLabelsVisibilitySettings": shown,
        "gridlinesVisibilitySettings": {"x": False, "yLeft": True, "yRight": False},
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "layers": [layer],
    }
    return _panel(key, title, view, "lnsXY", state, buckets, [value], description)


def heat_map(
    key: str, title: str, view: DataView, across: Column, down: Column, value: Column, description: str = ""
) -> Panel:
    state = {
        "shape": "heatmap",
        "layerId": LAYER,
        "layerType": "data",
        "xAccessor": "bucket-0",
        "yAccessor": "bucket-1",
        "valueAccessor": "metric-0",
        "legend": {"isVisible": False, "position": "right", "type": "heatmap_legend"},
        "gridConfig": {
            "type": "heatmap_grid",
            "isCellLabelVisible": True,
            "isXAxisLabelVisible": True,
            "isYAxisLabelVisible": True,
            "isXAxisTitleVisible": False,
            "isYAxisTitleVisible": False,
        },
    }
    return _panel(key, title, view, "lnsHeatmap", state, [across, down], [value], description)


def table(
    key: str, title: str, view: DataView, by: list[Column], values: list[Column], description: str = ""
) -> Panel:
    names = [f"bucket-{n}" for n in range(len(by))] + [f"metric-{n}" for n in range(len(values))]
    state = {
        "layerId": LAYER,
        "layerType": "data",
        "columns": [
            {"columnId": name, "isTransposed": False, "isMetric": name.startswith("metric")} for name in names
        ],
        "paging": {"enabled": True, "size": 10},
        "rowHeight": "auto",
        "headerRowHeight": "auto",
    }
    return _panel(key, title, view, "lnsDatatable", state, by, values, description)


def _panel(
    key: str,
    title: str,
    view: DataView,
    kind: str,
    visualization: dict[str, Any],
    buckets: list[Column],
    metrics: list[Column],
    description: str,
) -> Panel:
    columns = {f"bucket-{n}": column.as_json() for n, column in enumerate(buckets)}
    columns |= {f"metric-{n}": column.as_json() for n, column in enumerate(metrics)}
    reference = view.reference(f"indexpattern-datasource-layer-{LAYER}")
    layer = {
        "columns": columns,
        "columnOrder": list(columns),
        "incompleteColumns": {},
        "ignoreGlobalFilters": False,
    }
    attributes = {
        "title": title,
        "description": description,
        "visualizationType": kind,
        "type": "lens",
        "references": [reference.as_json()],
        "state": {
            "visualization": visualization,
            "query": NO_QUERY,
            "filters": [],
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }
    return Panel(
        key, "lens", title, description, {"attributes": attributes, "enhancements": {}}, (reference,)
    )
