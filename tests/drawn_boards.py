"""The shipped boards' Vega panels, and the fixture that draws them over the scene."""

from __future__ import annotations

from dataclasses import replace

import pytest

from board_preview.prepared_panel import prepare
from board_preview.scene_loading import CALIBRATION
from board_preview.vega_panels import data_views, vega_panels
from faces.calibration.board_verdicts import of_calibration
from kibana import build, importing

SHIPPED = importing.shipped()
PANELS = {panel.name: panel for panel in vega_panels(SHIPPED)}
CALIBRATED = of_calibration(CALIBRATION)
CALIBRATED_PANELS = {panel.name: panel for panel in vega_panels(build.objects(CALIBRATED))}
GALLERY = "face-search-who-looks-like-the-chosen-face"
PORTRAITS = "probes-who-is-this-whom-does-the-chosen-probe-look-like"
NEWEST = "probes-who-is-this-who-is-this-the-newest-probes"
WATCH = "probes-who-is-this-who-is-on-the-watch-list"
REVIEW = "probes-who-is-this-is-it-the-same-person-the-possible-matches"


@pytest.fixture
def draw(es, scene, renderer):
    """Draws a shipped panel with more filters or another query of the board."""

    def drawn(name: str, filters=(), query=None, actions=(), panels=PANELS, **options):
        panel = panels[name]
        context = replace(panel.context, filters=tuple({"query": one, "meta": {}} for one in filters))
        context = replace(context, query=query) if query else context
        return renderer.draw(
            prepare(panel.spec, context, es),
            panel.title,
            panel.size,
            actions=actions,
            data_views=data_views(SHIPPED),
            **options,
        )

    return drawn


def texts(drawn) -> list[str]:
    return [item.text for mark in drawn.marks if mark.type == "text" for item in mark.items if item.text]


def assert_apart(items) -> None:
    """No text covers another."""
    for number, one in enumerate(items):
        for other in items[number + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across <= 1 or down <= 2, (one.text, other.text)
