"""The boards, one per module, and what they share."""

from __future__ import annotations

from dataclasses import replace

from kibana.objects.dashboard import Control, Dashboard
from kibana.objects.panel import Panel, external_link, links

SEARCH = "ingest-face-search"
PROBES = "ingest-face-probes"
EXPLORATION = "ingest-face-exploration"
HEALTH = "ingest-face-health"
TAG = "ingest-face"

TITLES = {
    SEARCH: "Face search",
    PROBES: "Probes: who is this?",
    EXPLORATION: "Exploration",
    HEALTH: "Ingest health",
}

NEEDS_PLUGIN = (
    "It needs the plugin ingest-face on every node of Elasticsearch: where that is missing, an error about a "
    "QueryVectorBuilder stands in place of the faces. Pictures need vis_type_vega.enableExternalUrls: true "
    "in Kibana."
)
NEEDS_PICTURES = "Pictures need vis_type_vega.enableExternalUrls: true in Kibana."


OF_AN_ARCHIVE = (
    Control("person", "optionsListControl", "Person", "people"),
    Control("observer", "optionsListControl", "Observer", "observer.name"),
    Control("quality", "rangeSliderControl", "Quality of the best face", "best_quality", 0.05),
    Control("time", "timeSlider", "Time"),
)
"""Controls of the boards over the alias ``faces``."""


LINKS, DESK = "boards", "desk"
"""Ids of the panel with the links, and of the link to the desk in it."""


def navigation(desk: str | None = None) -> Panel:
    """The row of links at the top of every board.

    Args:
        desk: the address of `faces desk`, as browsers reach it.
    """
    return links(LINKS, TITLES, (external_link(DESK, "Desk", desk),) if desk else ())


def with_desk(board: Dashboard, desk: str | None) -> Dashboard:
    """The board with a link to the desk; without an address, as it is."""
    if desk is None:
        return board
    rows = (
        replace(
            row,
            panels=tuple(
                (navigation(desk) if panel.id == LINKS else panel, width) for panel, width in row.panels
            ),
        )
        for row in board.rows
    )
    return replace(board, rows=tuple(rows))
