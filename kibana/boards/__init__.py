"""The boards, one per module, and what they share."""

from __future__ import annotations

from kibana.objects.dashboard import Control
from kibana.objects.panel import Panel, links

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


def navigation() -> Panel:
    """The row of links at the top of every board."""
    return links("boards", TITLES)
