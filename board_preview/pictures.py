"""Every Vega panel as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch

from board_preview.boards import VegaPanel
from board_preview.renderer import Drawn, Renderer
from board_preview.vega_rules import PanelError, prepare


@dataclass(frozen=True)
class Picture:
    """A panel that was drawn. ``drawn.errors``: what Kibana shows in red."""

    panel: VegaPanel
    file: Path
    drawn: Drawn


def draw_panels(
    panels: Iterable[VegaPanel],
    es: Elasticsearch,
    renderer: Renderer,
    folder: Path,
    external_urls: bool = True,
    data_views: list[str] | None = None,
) -> Iterator[Picture]:
    """Draws each into ``folder``, as it is when the board is opened. One that fails is drawn with its error.

    Args:
        external_urls: Kibana's setting ``vis_type_vega.enableExternalUrls``.
        data_views: the titles that a click can name; any by default.

    Raises:
        RendererError: the browser is gone.
    """
    for panel in panels:
        file = folder / f"{panel.name}.png"
        try:
            prepared = prepare(panel.spec, panel.context, es)
        except PanelError as error:
            drawn = renderer.draw(str(error), panel.heading, panel.size, file)
        else:
            drawn = renderer.draw(
                prepared,
                panel.heading,
                panel.size,
                file,
                external_urls=external_urls,
                data_views=data_views,
            )
        yield Picture(panel, file, drawn)
