"""Lens charts, by value. Each chart has one layer (``LAYER``) over one data view."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kibana.objects.data_view import DataView
from kibana.objects.field_use import FieldUse, Need
from kibana.objects.kql import EVERYTHING, Kql
from kibana.objects.panel import NO_QUERY, Panel

LAYER = "layer"
RECORDS = "___records___"
NEEDS: dict[str, Need] = {
    "sum": "number",
    "max": "number or date",
    "unique_count": "aggregated",
    "percentile": "number",
    "terms": "aggregated",
    "range": "number",
}
"""What each operation needs of its field; the others have none."""


@dataclass(frozen=True)
class Column:
    """A column of the table that a chart is drawn from: a bucket or a metric.

    filter: of the documents that a metric counts.
    queries: of the documents in each bucket.
    """

    label: str
    operation: str
    field: str
    data_type: str
    bucketed: bool
    scale: str
    params: dict[str, Any]
    filter: Kql = EVERYTHING
    queries: tuple[Kql, ...] = ()

    def uses(self, index: str) -> Iterator[FieldUse]:
        if self.operation in NEEDS:
            yield FieldUse(index, self.field, NEEDS[self.operation])
        for query in (self.filter, *self.queries):
            yield from (FieldUse(index, field, "searched") for field in query.fields)

    def as_json(self) -> dict[str, Any]:
        filtered = {} if self.filter == EVERYTHING else {"filter": self.filter.as_json()}
        return {
            "label": self.label,
            "customLabel": True,
            "operationType": self.operation,
            **({"sourceField": self.field} if self.field else {}),
            "dataType": self.data_type,
            "isBucketed": self.bucketed,
            "scale": self.scale,
            "params": self.params,
            **filtered,
        }


def count(label: str, where: Kql = EVERYTHING) -> Column:
    """The number of documents that match ``where``."""
    return Column(label, "count", RECORDS, "number", False, "ratio", {"emptyAsNull": False}, where)


def total(label: str, field: str) -> Column:
    return Column(label, "sum", field, "number", False, "ratio", {"emptyAsNull": False})


def distinct(label: str, field: str, where: Kql = EVERYTHING) -> Column:
    return Column(label, "unique_count", field, "number", False, "ratio", {"emptyAsNull": False}, where)


def latest(label: str, field: str) -> Column:
    """The newest date."""
    return Column(label, "max", field, "date", False, "ratio", {"emptyAsNull": True})


def percentile(label: str, field: str, percent: int) -> Column:
    return Column(label, "percentile", field, "number", False, "ratio", {"percentile": percent})


def top(label: str, field: str, size: int) -> Column:
    """The ``size`` values of ``field`` that are highest by the chart's first metric."""
    params = {
        "size": size,
        "orderBy": {"type": "column", "columnId": "metric-0"},
        "orderDirection": "desc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
    }
    return Column(label, "terms", field, "string", True, "ordinal", params)


def ranges(label: str, field: str, bounds: Sequence[float], names: list[str] | None = None) -> Column:
    """Buckets from each bound (included) to the next (excluded)."""
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


def cases(label: str, queries: dict[str, Kql]) -> Column:
    """One bucket per query.

    Args:
        queries: name of the bucket -> its query.
    """
    params = {"filters": [{"label": name, "input": query.as_json()} for name, query in queries.items()]}
    return Column(label, "filters", "", "string", True, "ordinal", params, queries=tuple(queries.values()))


def metric(key: str, title: str, view: DataView, value: Column) -> Panel:
    state = {"layerId": LAYER, "layerType": "data", "metricAccessor": "metric-0"}
    panel = _panel(key, title, view, "lnsMetric", state, [], [value], "")
    # The tile shows the label of its value, which says the same.
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
    config = {"attributes": attributes, "enhancements": {}}
    uses = (use for column in (*buckets, *metrics) for use in column.uses(view.pattern))
    return Panel(key, "lens", title, description, config, (reference,), tuple(uses))
