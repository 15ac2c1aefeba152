"""The Vega panels of boards, read from saved objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from board_preview.chromium import Size
from board_preview.dashboard_context import DashboardContext
from kibana.objects.dashboard import COLUMNS
from kibana.saved_object import SavedObject

Json = dict[str, Any]

WIDTH = 1424
"""Width of a dashboard's grid in a window of 1440 pixels."""

ROW, MARGIN = 20, 8
"""Height of a row of Kibana's grid, and the space between panels, in pixels."""


@dataclass(frozen=True)
class VegaPanel:
    """A Vega panel of a dashboard.

    name: ``<board>-<panel>``, valid as a file name and unique.
    heading: the text above it: its title, or empty if that is hidden.
    context: what the dashboard tells it before the first click.
    """

    name: str
    board: str
    title: str
    heading: str
    spec: Json
    size: Size
    context: DashboardContext


def vega_panels(objects: list[SavedObject]) -> list[VegaPanel]:
    """Every Vega panel that the dashboards have by value, in their order.

    Raises:
        ValueError: an object hasn't the form that Kibana 8.19 writes; the message names it.
    """
    panels = []
    for one in objects:
        with _form_required(one):
            panels += list(_of_dashboard(one["attributes"])) if one.get("type") == "dashboard" else []
    return list(_with_unique_names(panels))


def data_views(objects: list[SavedObject]) -> list[str]:
    """The index patterns of the data views, by which clicks name them.

    Raises:
        ValueError: as ``vega_panels``.
    """
    patterns = []
    for one in objects:
        with _form_required(one):
            patterns += [one["attributes"]["title"]] if one.get("type") == "index-pattern" else []
    return patterns


@contextmanager
def _form_required(one: Any) -> Iterator[None]:
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        named = f"{one.get('type')} [{one.get('id')}]" if isinstance(one, dict) else f"[{one}]"
        raise ValueError(
            f"{named} hasn't the form that Kibana 8.19 writes ({type(error).__name__}: {error}): export it "
            "again"
        ) from None


def _of_dashboard(board: Json) -> Iterator[VegaPanel]:
    source = json.loads(board["kibanaSavedObjectMeta"]["searchSourceJSON"])
    hides_titles = json.loads(board.get("optionsJSON", "{}")).get("hidePanelTitles")
    for panel in json.loads(board["panelsJSON"]):
        config = panel["embeddableConfig"]
        saved = config.get("savedVis", {})
        if saved.get("type") != "vega":
            continue
        title = config.get("title") or panel.get("title") or saved.get("title") or panel["panelIndex"]
        grid = panel["gridData"]
        yield VegaPanel(
            name=f"{_slug(board['title'])}-{_slug(title)}",
            board=board["title"],
            title=title,
            heading="" if hides_titles or config.get("hidePanelTitles") else title,
            spec=json.loads(saved["params"]["spec"]),
            size=Size(_across(grid["w"]), grid["h"] * ROW + (grid["h"] - 1) * MARGIN),
            context=_context(board, source, saved.get("data", {}).get("searchSource", {})),
        )


def _context(board: Json, source: Json, own: Json) -> DashboardContext:
    """
    Args:
        source: the board's search source.
        own: the panel's search source.
    """
    default = DashboardContext()
    time = (board["timeFrom"], board["timeTo"]) if board.get("timeRestore") else ()
    filters = (*source.get("filter", []), *own.get("filter", []))
    return DashboardContext(source.get("query", default.query), filters, *time)


def _with_unique_names(panels: Iterable[VegaPanel]) -> Iterator[VegaPanel]:
    """Of panels with one name, all but the first get a number."""
    taken: set[str] = set()
    for panel in panels:
        numbered = (f"{panel.name}-{number}" for number in count(2))
        name = next(name for name in chain([panel.name], numbered) if name not in taken)
        taken.add(name)
        yield replace(panel, name=name)


def _across(columns: int) -> int:
    one = (WIDTH - MARGIN * (COLUMNS - 1)) / COLUMNS
    return round(one * columns + MARGIN * (columns - 1))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
