"""Draws every Vega panel of the boards into a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch

from board_preview.chromium import Drawing, Renderer
from board_preview.errors import PanelError
from board_preview.prepared_panel import PreparedPanel, prepare
from board_preview.vega_panels import VegaPanel


@dataclass(frozen=True)
class DrawnPanel:
    """``drawing.errors``: what Kibana shows in red."""

    panel: VegaPanel
    file: Path
    drawing: Drawing


def draw_panels(
    panels: Iterable[VegaPanel],
    es: Elasticsearch,
    renderer: Renderer,
    folder: Path,
    external_urls: bool = True,
    data_views: list[str] | None = None,
) -> Iterator[DrawnPanel]:
    """Draws each panel into ``folder``, as it looks when the board is opened. A panel that fails is drawn as
    its error.

    Args:
        external_urls: Kibana's setting ``vis_type_vega.enableExternalUrls``.
        data_views: the index patterns that a click may filter; None: any.

    Raises:
        RendererError: the browser has ended.
    """
    for panel in panels:
        file = folder / f"{panel.name}.png"
        shown = _prepared_or_error(panel, es)
        drawing = renderer.draw(shown, panel.heading, panel.size, file, (), external_urls, data_views)
        yield DrawnPanel(panel, file, drawing)


def _prepared_or_error(panel: VegaPanel, es: Elasticsearch) -> PreparedPanel | str:
    try:
        return prepare(panel.spec, panel.context, es)
    except PanelError as error:
        return str(error)
