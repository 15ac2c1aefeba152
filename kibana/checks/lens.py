"""Lens: a chart draws the columns that it has, buckets as buckets and metrics as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kibana.objects.dashboard import Dashboard
from kibana.objects.lens import LAYER


def problems(dashboards: Iterable[Dashboard]) -> Iterator[str]:
    for board in dashboards:
        for panel in board.panels:
            if panel.type == "lens":
                state = panel.config["attributes"]["state"]
                columns = state["datasourceStates"]["formBased"]["layers"][LAYER]["columns"]
                at = f"dashboard [{board.id}], panel [{panel.id}]"
                yield from _chart(at, columns, set(_drawn(state["visualization"])))


def _chart(at: str, columns: dict[str, Any], drawn: set[str]) -> Iterator[str]:
    for name in sorted(drawn - columns.keys()):
        yield f"{at} draws the column [{name}], which isn't there: add it"
    for name, column in columns.items():
        if name not in drawn:
            yield f"{at} doesn't draw its column [{name}]: drop it"
        if column["isBucketed"] != name.startswith("bucket"):
            kind = "metric" if column["isBucketed"] else "bucket"
            yield f"{at}: [{column['operationType']}] can't be a {kind}, as which [{column['label']}] is used"
        by = column["params"].get("orderBy", {}).get("columnId")
        if by and by not in columns:
            yield f"{at}: [{column['label']}] is ordered by the column [{by}], which isn't there: add it"


def _drawn(value: Any) -> Iterator[str]:
    """Every column that a visualization names."""
    if isinstance(value, list):
        for one in value:
            yield from _drawn(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "columnId" or key.endswith(("ccessor", "ccessors")):
                yield from one if isinstance(one, list) else [one]
            else:
                yield from _drawn(one)
