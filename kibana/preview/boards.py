"""The Vega panels of the boards, as they stand in the saved objects."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kibana.preview.renderer import Size
from kibana.preview.vega_rules import Context

SAVED_OBJECTS = Path(__file__).parents[1] / "saved_objects.ndjson"

WIDTH = 1424
"""Of a dashboard's grid, in pixels, in a window of 1440."""

COLUMNS, ROW, MARGIN = 48, 20, 8
"""Kibana's grid: so many columns, rows of so many pixels, with margins between panels."""


@dataclass(frozen=True)
class VegaPanel:
    """A Vega panel of a dashboard.

    heading: what stands above it: its title, unless that is hidden.
    context: what the saved dashboard tells it before anyone clicks.
    """

    board: str
    title: str
    heading: str
    spec: dict[str, Any]
    size: Size
    context: Context

    @property
    def name(self) -> str:
        """``<board>-<panel>``, fit for a file's name."""
        return f"{_slug(self.board)}-{_slug(self.title)}"


def read(file: Path = SAVED_OBJECTS) -> list[dict[str, Any]]:
    """Saved objects from their file, one a line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def vega_panels(objects: list[dict[str, Any]]) -> list[VegaPanel]:
    """Every Vega panel of every dashboard, in their order."""
    by_id = {(saved["type"], saved["id"]): saved for saved in objects if "type" in saved}
    return [
        found
        for saved in objects
        if saved.get("type") == "dashboard"
        for panel in json.loads(saved["attributes"]["panelsJSON"])
        if (found := _vega_panel(saved, panel, by_id))
    ]


def data_views(objects: list[dict[str, Any]]) -> list[str]:
    """What a click can call the data views: their index patterns."""
    return [saved["attributes"]["title"] for saved in objects if saved.get("type") == "index-pattern"]


def _vega_panel(
    board: dict[str, Any], panel: dict[str, Any], by_id: dict[tuple[str, str], dict[str, Any]]
) -> VegaPanel | None:
    if panel.get("type") != "visualization":
        return None
    config = panel.get("embeddableConfig", {})
    state, source = _visualization(board, panel, config, by_id)
    if state.get("type") != "vega":
        return None
    title = config.get("title") or panel.get("title") or state.get("title") or panel["panelIndex"]
    grid = panel["gridData"]
    return VegaPanel(
        board=board["attributes"]["title"],
        title=title,
        heading="" if _hides_titles(board) or config.get("hidePanelTitles") else title,
        spec=json.loads(state["params"]["spec"]),
        size=Size(_across(grid["w"]), grid["h"] * ROW + (grid["h"] - 1) * MARGIN),
        context=_context(board["attributes"], source),
    )


def _visualization(
    board: dict[str, Any],
    panel: dict[str, Any],
    config: dict[str, Any],
    by_id: dict[tuple[str, str], dict[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What it draws, and its own query and filters; by value or by reference."""
    if "savedVis" in config:
        state = config["savedVis"]
        return state, state.get("data", {}).get("searchSource", {})
    names = (panel.get("panelRefName"), f"{panel['panelIndex']}:{panel.get('panelRefName')}")
    for reference in board.get("references", []):
        if reference["name"] in names:
            attributes = by_id[reference["type"], reference["id"]]["attributes"]
            return json.loads(attributes["visState"]), _search_source(attributes)
    return {}, {}


def _context(board: dict[str, Any], own: dict[str, Any]) -> Context:
    source = _search_source(board)
    default = Context()
    time = (board["timeFrom"], board["timeTo"]) if board.get("timeRestore") else ()
    return Context(
        source.get("query", default.query), (*source.get("filter", []), *own.get("filter", [])), *time
    )


def _hides_titles(board: dict[str, Any]) -> bool:
    return bool(json.loads(board["attributes"].get("optionsJSON", "{}")).get("hidePanelTitles"))


def _search_source(attributes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}")
    )
    return found


def _across(columns: int) -> int:
    one = (WIDTH - MARGIN * (COLUMNS - 1)) / COLUMNS
    return round(one * columns + MARGIN * (columns - 1))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
