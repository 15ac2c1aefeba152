"""``python -m board_preview``: pictures of the boards' Vega panels, full of the sample faces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from board_preview import boards, scene
from board_preview.pictures import Picture, draw_panels
from board_preview.renderer import RendererError, running_renderer
from board_preview.scene import SceneError, SceneReport
from es_setup.connection import Connection
from faces import local_stack
from faces.calibration.board_verdicts import of_calibration
from faces.cli.options import JsonFlag, connected_to_elasticsearch
from faces.cli.output import busy, explained, fail, out, print_json, say, tracked
from faces.cli.servers import starting, stopped_by_signals
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare
from kibana import build, importing
from kibana.client import SavedObject, parsed


@connected_to_elasticsearch
def preview(
    connection: Connection,
    folder: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="the folder for the pictures")
    ] = None,
    load: Annotated[
        bool,
        typer.Option("--load", help="only put the documents into the empty Elasticsearch at ES_URL"),
    ] = False,
    objects: Annotated[Path | None, typer.Option(help="saved objects; default: the project's boards")] = None,
    external_urls: Annotated[
        bool, typer.Option(help="Kibana's setting vis_type_vega.enableExternalUrls")
    ] = True,
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="as on a cluster with a calibration (one that is made up)")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Draw every Vega panel of every board: Kibana's rules, a real Elasticsearch, the sample faces."""
    if (folder is None) != load:
        fail("give either --out FOLDER, or --load", status=2)
    if calibrated and (load or objects):
        fail("--calibrated draws the project's boards: give it with --out FOLDER alone", status=2)
    with explained(), stopped_by_signals(), failures_explained():
        if folder is None:
            show_scene(load_into(connection.elasticsearch()), as_json)
        else:
            saved = read_objects(objects) if objects else own_boards(calibrated)
            show_pictures(draw_all(folder, saved, external_urls, calibrated), as_json)


def load_into(es: Elasticsearch) -> SceneReport:
    cache = Cache(default_cache())
    with busy() as step:
        prepare(cache, step)
    return scene.load(es, cache.sample, tracked)


def read_objects(file: Path) -> list[SavedObject]:
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        fail(f"{file} must be saved objects as `faces dashboards export` writes them, one a line: {error}")


def own_boards(calibrated: bool) -> list[SavedObject]:
    return build.objects(of_calibration(scene.CALIBRATION)) if calibrated else importing.shipped()


def draw_all(folder: Path, saved: list[SavedObject], external_urls: bool, calibrated: bool) -> list[Picture]:
    try:
        panels, data_views = boards.vega_panels(saved), boards.data_views(saved)
    except ValueError as error:
        fail(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    with busy() as step:
        cache, home = local_stack.prepare_all(step)
    with running_renderer(say) as renderer, starting(cache, home) as running:
        es = running.connection.elasticsearch()
        if calibrated:
            scene.calibrate(es)
        scene.load(es, cache.sample, tracked)
        pictures = draw_panels(panels, es, renderer, folder, external_urls, data_views)
        return list(tracked(pictures, len(panels), "drawing"))


def show_scene(report: SceneReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for alias, count in report.documents.items():
        out.print(f"{alias}: {count} documents", markup=False)


def show_pictures(pictures: list[Picture], as_json: bool) -> None:
    """Fails if a panel did."""
    if as_json:
        print_json({"panels": [figures(picture) for picture in pictures]})
    else:
        for picture in pictures:
            rows = ", ".join(f"{name} {count}" for name, count in picture.drawn.rows.items())
            out.print(f"{picture.file}: {rows}", markup=False)
    failed = [picture for picture in pictures if picture.drawn.errors]
    for picture in failed:
        say(f"{picture.panel.board}, {picture.panel.title}: {'; '.join(picture.drawn.errors)}")
    if failed:
        fail(f"{len(failed)} of {len(pictures)} panels failed")


def figures(picture: Picture) -> dict[str, object]:
    return {
        "board": picture.panel.board,
        "panel": picture.panel.title,
        "file": str(picture.file),
        "rows": picture.drawn.rows,
        "errors": picture.drawn.errors,
        "warnings": picture.drawn.warnings,
    }


@contextmanager
def failures_explained() -> Iterator[None]:
    try:
        yield
    except (SceneError, RendererError) as error:
        fail(str(error))


if __name__ == "__main__":
    typer.run(preview)
