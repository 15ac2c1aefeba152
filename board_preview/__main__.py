"""``python -m board_preview``: draws the boards' Vega panels over the sample faces."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from board_preview import scene_loading, vega_panels
from board_preview.chromium import running_renderer
from board_preview.drawn_panels import DrawnPanel, draw_panels
from board_preview.scene_loading import SceneReport
from es_setup.connection import Connection
from faces import local_stack
from faces.calibration.board_verdicts import of_calibration
from faces.cli.options import JsonFlag, connected_to_elasticsearch
from faces.cli.output import busy, explained, fail, out, print_json, say, tracked
from faces.cli.servers import starting, stopped_by_signals
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare
from kibana import build, importing
from kibana.saved_object import SavedObject, parsed


@connected_to_elasticsearch
def preview(
    connection: Connection,
    folder: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="the folder to draw into")
    ] = None,
    load: Annotated[
        bool,
        typer.Option(
            "--load", help="draw nothing; index the documents into the empty Elasticsearch at ES_URL"
        ),
    ] = False,
    objects: Annotated[Path | None, typer.Option(help="file of saved objects; default: our boards")] = None,
    external_urls: Annotated[
        bool, typer.Option(help="Kibana's setting vis_type_vega.enableExternalUrls")
    ] = True,
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="as with a calibration (a made-up one)")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Draw every Vega panel of every board by Kibana's rules, from the sample faces in an Elasticsearch."""
    if (folder is None) != load:
        fail("give either --out FOLDER or --load", status=2)
    if calibrated and (load or objects):
        fail("--calibrated draws our own boards: give it only with --out FOLDER", status=2)
    with explained(), stopped_by_signals():
        if folder is None:
            show_scene(load_into(connection.elasticsearch()), as_json)
        else:
            saved = read_objects(objects) if objects else own_boards(calibrated)
            show_panels(draw_all(folder, saved, external_urls, calibrated), as_json)


def load_into(es: Elasticsearch) -> SceneReport:
    cache = Cache(default_cache())
    with busy() as step:
        prepare(cache, step)
    return scene_loading.load(es, cache.sample, tracked)


def read_objects(file: Path) -> list[SavedObject]:
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        fail(f"{file} must have saved objects, one per line, as `faces dashboards export` writes: {error}")


def own_boards(calibrated: bool) -> list[SavedObject]:
    return build.objects(of_calibration(scene_loading.CALIBRATION)) if calibrated else importing.shipped()


def draw_all(
    folder: Path, saved: list[SavedObject], external_urls: bool, calibrated: bool
) -> list[DrawnPanel]:
    try:
        panels, data_views = vega_panels.vega_panels(saved), vega_panels.data_views(saved)
    except ValueError as error:
        fail(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    with busy() as step:
        cache, home = local_stack.prepare_all(step)
    with running_renderer(say) as renderer, starting(cache, home) as running:
        es = running.connection.elasticsearch()
        if calibrated:
            scene_loading.calibrate(es)
        scene_loading.load(es, cache.sample, tracked)
        drawn = draw_panels(panels, es, renderer, folder, external_urls, data_views)
        return list(tracked(drawn, len(panels), "drawing"))


def show_scene(report: SceneReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    for alias, count in report.documents.items():
        out.print(f"{alias}: {count} documents")


def show_panels(panels: list[DrawnPanel], as_json: bool) -> None:
    """Fails if a panel has errors."""
    if as_json:
        print_json({"panels": [figures(one) for one in panels]})
    else:
        for one in panels:
            rows = ", ".join(f"{name} {count}" for name, count in one.drawing.rows.items())
            out.print(f"{one.file}: {rows}")
    failed = [one for one in panels if one.drawing.errors]
    for one in failed:
        say(f"{one.panel.board}, {one.panel.title}: {'; '.join(one.drawing.errors)}")
    if failed:
        fail(f"{len(failed)} of {len(panels)} panels failed")


def figures(one: DrawnPanel) -> dict[str, object]:
    return {
        "board": one.panel.board,
        "panel": one.panel.title,
        "file": str(one.file),
        "rows": one.drawing.rows,
        "errors": one.drawing.errors,
        "warnings": one.drawing.warnings,
    }


if __name__ == "__main__":
    typer.run(preview)
