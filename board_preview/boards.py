"""The Vega panels of the boards, as they stand in the saved objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count

from board_preview.renderer import Size
from board_preview.vega_rules import Context
from kibana.checks import vega
from kibana.checks.reading import Board, Export, Json, Panel, read
from kibana.client import SavedObject
from kibana.objects.dashboard import COLUMNS

WIDTH = 1424
"""Of a dashboard's grid, in pixels, in a window of 1440."""

ROW, MARGIN = 20, 8
"""The height of a row of Kibana's grid, and what lies between panels, in pixels."""


@dataclass(frozen=True)
class VegaPanel:
    """A Vega panel of a dashboard.

    name: ``<board>-<panel>``, fit for a file's name, and no other panel's.
    heading: what stands above it: its title, unless that is hidden.
    context: what the saved dashboard tells it before anyone clicks.
    """

    name: str
    board: str
    title: str
    heading: str
    spec: Json
    size: Size
    context: Context


def vega_panels(objects: list[SavedObject]) -> list[VegaPanel]:
    """Every Vega panel that a dashboard has by value, in their order.

    Raises:
        ValueError: an object isn't of the shape that Kibana 8.19 writes; the message says which.
    """
    panels = (
        _vega_panel(board, panel)
        for board in _read(objects).boards
        for panel in board.panels
        if vega.is_vega(panel)
    )
    return list(_told_apart(panels))


def data_views(objects: list[SavedObject]) -> list[str]:
    """What a click can call the data views: their index patterns.

    Raises:
        ValueError: as ``vega_panels``.
    """
    return [view.pattern for view in _read(objects).views.values()]


def _read(objects: list[SavedObject]) -> Export:
    export = read(objects)
    if export.problems:
        raise ValueError("; ".join(export.problems))
    return export


def _vega_panel(board: Board, panel: Panel) -> VegaPanel:
    saved = panel.config["savedVis"]
    title = panel.title or saved.get("title") or panel.id
    *_, across, down = panel.grid
    return VegaPanel(
        name=f"{_slug(board.attributes['title'])}-{_slug(title)}",
        board=board.attributes["title"],
        title=title,
        heading="" if _hides_titles(board) or panel.config.get("hidePanelTitles") else title,
        spec=vega.spec(panel),
        size=Size(_across(across), down * ROW + (down - 1) * MARGIN),
        context=_context(board, saved.get("data", {}).get("searchSource", {})),
    )


def _told_apart(panels: Iterable[VegaPanel]) -> Iterator[VegaPanel]:
    """Panels of one name get a number, from the second on."""
    taken: set[str] = set()
    for panel in panels:
        numbered = (f"{panel.name}-{number}" for number in count(2))
        name = next(name for name in chain([panel.name], numbered) if name not in taken)
        taken.add(name)
        yield replace(panel, name=name)


def _context(board: Board, own: Json) -> Context:
    """
    Args:
        own: the panel's search source.
    """
    saved, default = board.attributes, Context()
    time = (saved["timeFrom"], saved["timeTo"]) if saved.get("timeRestore") else ()
    filters = (*board.source.get("filter", []), *own.get("filter", []))
    return Context(board.source.get("query", default.query), filters, *time)


def _hides_titles(board: Board) -> bool:
    return bool(json.loads(board.attributes.get("optionsJSON", "{}")).get("hidePanelTitles"))


def _across(columns: int) -> int:
    one = (WIDTH - MARGIN * (COLUMNS - 1)) / COLUMNS
    return round(one * columns + MARGIN * (columns - 1))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
