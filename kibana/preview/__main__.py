"""``python -m kibana.preview``: pictures of the boards' Vega panels, full of the sample faces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup import stack
from es_setup.cli.options import JsonFlag, connected_to_elasticsearch
from es_setup.cli.output import busy, explained, fail, out, print_json, say, tracked
from es_setup.cli.servers import starting, stopped_by_signals
from es_setup.connection import Connection
from ingest_service.weights import Cache, default_cache, prepare
from kibana.preview import boards, scene
from kibana.preview.boards import VegaPanel
from kibana.preview.renderer import Renderer, RendererError, running_renderer
from kibana.preview.scene import SceneError, SceneReport
from kibana.preview.vega_rules import PanelError
from kibana.preview.vega_rules import prepare as prepare_panel


@dataclass(frozen=True)
class Picture:
    """A panel that was drawn. ``rows``: how many each of its data sets has; ``errors``: what Kibana shows in
    red."""

    board: str
    panel: str
    file: str
    rows: dict[str, int]
    errors: list[str]
    warnings: list[str]


@connected_to_elasticsearch
def preview(
    connection: Connection,
    folder: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="the folder for the pictures")
    ] = None,
    only_load: Annotated[
        bool, typer.Option("--load", help="load the documents into the Elasticsearch at ES_URL, draw nothing")
    ] = False,
    objects: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="the saved objects with the boards")
    ] = boards.SAVED_OBJECTS,
    external_urls: Annotated[
        bool, typer.Option(help="Kibana's setting vis_type_vega.enableExternalUrls")
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Draw every Vega panel of every board: Kibana's rules, a real Elasticsearch, the sample faces."""
    if (folder is None) != only_load:
        fail("give either --out FOLDER, or --load with ES_URL", status=2)
    with explained(), stopped_by_signals(), failures_explained():
        if folder is None:
            show_scene(load_into(connection.elasticsearch()), as_json)
        else:
            show_pictures(draw_all(folder, objects, external_urls), as_json)


def load_into(es: Elasticsearch) -> SceneReport:
    cache = Cache(default_cache())
    with busy() as step:
        prepare(cache, step)
    return scene.load(es, cache.sample, tracked)


def draw_all(folder: Path, objects: Path, external_urls: bool) -> list[Picture]:
    saved = boards.read(objects)
    panels = boards.vega_panels(saved)
    folder.mkdir(parents=True, exist_ok=True)
    with busy() as step:
        cache, home = stack.prepare_all(step)
    with running_renderer(say) as renderer, starting(cache, home) as running:
        es = running.connection.elasticsearch()
        scene.load(es, cache.sample, tracked)
        pictures = _pictures(panels, es, renderer, folder, external_urls, boards.data_views(saved))
        return list(tracked(pictures, len(panels), "drawing"))


def _pictures(
    panels: Iterable[VegaPanel],
    es: Elasticsearch,
    renderer: Renderer,
    folder: Path,
    external_urls: bool,
    data_views: list[str],
) -> Iterator[Picture]:
    for panel in panels:
        file = folder / f"{panel.name}.png"
        try:
            prepared = prepare_panel(panel.spec, panel.context, es)
        except PanelError as error:
            drawn = renderer.draw(str(error), panel.title, panel.size, file)
        else:
            drawn = renderer.draw(
                prepared,
                panel.title,
                panel.size,
                file,
                external_urls=external_urls,
                data_views=data_views,
            )
        yield Picture(panel.board, panel.title, str(file), drawn.rows, drawn.errors, drawn.warnings)


def show_scene(report: SceneReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for alias, count in report.documents.items():
        out.print(f"{alias}: {count} documents", markup=False)


def show_pictures(pictures: list[Picture], as_json: bool) -> None:
    """Fails if a panel did."""
    failed = [picture for picture in pictures if picture.errors]
    if as_json:
        print_json({"panels": [asdict(picture) for picture in pictures]})
    else:
        for picture in pictures:
            rows = ", ".join(f"{name} {count}" for name, count in picture.rows.items())
            out.print(f"{picture.file}: {rows}", markup=False)
    for picture in failed:
        say(f"{picture.board}, {picture.panel}: {'; '.join(picture.errors)}")
    if failed:
        fail(f"{len(failed)} of {len(pictures)} panels failed")


@contextmanager
def failures_explained() -> Iterator[None]:
    try:
        yield
    except (SceneError, RendererError) as error:
        fail(str(error))


if __name__ == "__main__":
    typer.run(preview)
