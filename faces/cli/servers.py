"""The commands `faces up` and `faces demo`, which run servers on this machine."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from es_setup.private_files import write_private
from faces import local_desk, local_stack
from faces.calibration.indices import judgement_of
from faces.cli.options import Labels
from faces.cli.output import (
    busy,
    check_can_write,
    counted,
    explained,
    fail,
    indexing_summary,
    out,
    print_lines,
    say,
    tracked,
    verdicts,
)
from faces.cli.search import print_matches
from faces.demo import DemoPlan, figures, index_all, plan_folder, plan_sample, search_all
from faces.extras import require
from faces.indexing.outcomes import IndexedPhoto
from faces.local_desk import RunningDesk, free_or_other, running_desk
from faces.local_stack import LocalStack
from faces.plotting import plot
from faces.server_keeper import ServerKeeper
from ingest_service.weights.cache import Cache

SERVICE = (
    "flask",
    "flask_openapi3",
    "gunicorn",
    "onnxruntime",
    "cv2",
    "pillow_heif",
    "prometheus_client",
    "pydantic",
)
"""The modules that the service needs."""


def up(
    data: Annotated[
        Path | None,
        typer.Option(help="keep the data below this folder, in `ingest-face`; default: in the cache"),
    ] = None,
    es_port: Annotated[int, typer.Option(min=1, max=65535, help="Elasticsearch's port")] = 9200,
    faces_port: Annotated[int, typer.Option(min=1, max=65535, help="the service's port")] = 8501,
    desk_port: Annotated[
        int, typer.Option(min=1, max=65535, help="the desk's port; where it is taken, a free one")
    ] = local_desk.PORT,
) -> None:
    """Run Elasticsearch, the service and the desk on loopback until Ctrl-C. The data is kept for the next
    start. Needs nothing that runs.
    """
    with explained(), stopped_by_signals():
        require("service", *SERVICE)
        with busy() as step:
            cache, home = local_stack.prepare_all(step)
        folder = (data or cache.root).resolve()
        with (
            starting(cache, home, folder, es_port, faces_port) as running,
            desk_beside(running, desk_port) as desk,
        ):
            print_addresses(running.connection, desk.url, None)
            wait_for_ctrl_c(running, desk)


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="a folder of photos; default: the sample"),
    ] = None,
    labels: Labels = None,
    query: Annotated[
        str | None, typer.Option(help="search only with this photo: a path in FOLDER, or any other path")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="keep the servers running until Ctrl-C")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="write the results as JSON to this file")
    ] = None,
    plot_file: Annotated[Path, typer.Option("--plot", help="write a PNG of the matches to this file")] = Path(
        "faces-demo.png"
    ),
) -> None:
    """Start the servers, index a folder of photos, search, show the matches, and stop the servers. With
    --keep the desk is there, too: a page to ask with a photo. Needs nothing that runs.
    """
    with explained(), stopped_by_signals():
        check_can_write(json_file, plot_file)
        require("demo", *SERVICE, "matplotlib")
        with busy() as step:
            cache, home = local_stack.prepare_all(step)
        if folder is None:
            plan = plan_sample(cache.sample)
            plan = plan if query is None else plan_folder(cache.sample / "train", True, query)
        else:
            plan = plan_folder(folder, labels == "folder", query)
        with starting(cache, home) as running:
            run_demo(running, plan, json_file, plot_file)
            if not keep:
                return
            with desk_beside(running) as desk:
                photo = plan.queries[0].path if plan.queries else None
                print_addresses(running.connection, desk.url, photo)
                open_in_browser(desk.url)
                wait_for_ctrl_c(running, desk)


def run_demo(running: LocalStack, plan: DemoPlan, json_file: Path | None, plot_file: Path) -> None:
    """Indexes and searches as planned, and prints the results."""
    es: Elasticsearch = running.connection.elasticsearch()

    def shown(photos: Iterable[IndexedPhoto]) -> Iterable[IndexedPhoto]:
        return tracked(photos, len(plan.to_index), "indexing")

    indexing = index_all(es, plan, shown, say)
    shared = judgement_of(es, "faces")
    searches = search_all(es, running.connection.service(), plan.queries)
    results = list(tracked(searches, len(plan.queries), "searching"))
    thresholds = verdicts(shared)
    plot(results, plot_file, f"queries and their best matches: {thresholds}")
    found = figures(indexing, results, running.model, shared) | {"picture": str(plot_file.resolve())}
    if json_file:
        write_private(json_file, (json.dumps(found, indent=2) + "\n").encode())
    if len(results) == 1:
        if results[0].matches:
            print_matches(results[0].matches)
        else:
            out.print(results[0].note)
    out.print()
    speed = f"in {indexing.seconds:.1f} s ({indexing.photos_per_second} photos/s)"
    out.print(f"{indexing_summary(indexing.counts)} {speed}")
    if found["top1"] is not None:
        judged = sum(result.correct is not None for result in results)
        out.print(f"{found['right']} of {judged} queries had the right person first")
    if not results:
        out.print("no queries: no person's folder has two photos")
    out.print(f"verdicts: {thresholds}")
    out.print(f"picture: {plot_file.resolve()}")
    if indexing.counts.not_stored:
        fail(f"not stored: {counted(indexing.counts.not_stored, 'photo')}")


def print_addresses(connection: Connection, desk: str, photo: Path | None) -> None:
    """Prints the servers' addresses, and two searches to paste; of an empty index, how to fill it."""
    name = shlex.quote(str(photo.resolve())) if photo else "photo.jpg"
    before = '{"knn": {"field": "faces.vector", "k": 5, "num_candidates": 100,'
    before += ' "query_vector_builder": {"face": {"image": "'
    wanted = "filter_path=hits.hits._score,hits.hits._source.file.path&pretty"
    addresses = {"desk": desk, "Elasticsearch": connection.es_url, "inference service": connection.faces_url}
    print_lines("\n" + "\n".join(f"{what:<17}  {url}" for what, url in addresses.items()))
    first = first_with_faces(connection.elasticsearch())
    if first is None:
        variables = f"ES_URL={connection.es_url} FACES_URL={connection.faces_url}"
        print_lines(
            f"\nNo face is indexed yet. Index a folder of photos:\n\n{variables} \\\n  faces index FOLDER"
            "\n\n(./run faces index FOLDER in a checkout.) Ctrl-C stops the servers."
        )
        return
    print_lines("\nSearch with a photo:\n")
    out.print(
        f"{{ printf '{before}'; base64 < {name} | tr -d '\\n'; printf '\"}}}}}}}}'; }} |"
        " curl -sS -H 'Content-Type: application/json' --data-binary @-"
        f" '{connection.es_url}/faces/_search?{wanted}'"
    )
    print_lines(
        f"""
Search with an indexed photo (Dev Tools):

GET faces/_search
{{
  "knn": {{
    "field": "faces.vector", "k": 5, "num_candidates": 100,
    "query_vector_builder": {{ "face": {{ "document": {{ "index": "faces", "id": {json.dumps(first)} }} }} }}
  }},
  "_source": ["file.path"], "docvalue_fields": ["people"]
}}

Ctrl-C stops the servers."""
    )


def first_with_faces(es: Elasticsearch) -> str | None:
    """The id of a document with faces; None if there is none."""
    with_faces = {"range": {"face_count": {"gte": 1}}}
    answer = es.search(index="faces", size=1, query=with_faces, source=False, ignore_unavailable=True)
    hits = answer["hits"]["hits"]
    return str(hits[0]["_id"]) if hits else None


@contextmanager
def starting(
    cache: Cache,
    home: Path,
    data: Path | None = None,
    es_port: int | None = None,
    faces_port: int | None = None,
) -> Iterator[LocalStack]:
    """The running stack; until it is ready a moving bar is shown."""
    with ExitStack() as servers:
        with busy() as step:
            step("starting the servers")
            running = servers.enter_context(
                local_stack.running_stack(cache, home, step, data, es_port, faces_port)
            )
        yield running


@contextmanager
def desk_beside(running: LocalStack, port: int = local_desk.PORT) -> Iterator[RunningDesk]:
    """The desk of a running stack, at a free port if this one is taken."""
    own = free_or_other(port)
    if own != port:
        say(f"port {port} is in use: the desk is at port {own}")
    with running_desk(running.connection, running.folder / "desk", own) as desk:
        yield desk


def open_in_browser(url: str) -> None:
    """For a person at a screen; never in CI, nor a browser of text in the command's own terminal."""
    has_screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.stdout.isatty() and has_screen and not os.environ.get("CI"):
        webbrowser.open(url)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turns SIGTERM, SIGHUP and Ctrl-C into a clean-up of what was started, then exit status 130."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    # SIGHUP: the terminal was closed. SIGINT: is ignored at first in a shell's background jobs.
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        say("stopped")
        raise typer.Exit(130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_ctrl_c(running: LocalStack, desk: RunningDesk) -> None:
    """Returns at Ctrl-C or SIGTERM, so that the servers are stopped. Meanwhile the service and the desk are
    started again if they end by themselves. Fails if Elasticsearch ends, or, at Ctrl-C, if one of the others
    didn't keep running."""
    keepers = [
        ServerKeeper(running.service, "the inference service", say),
        ServerKeeper(desk, "the desk", say),
    ]
    try:
        while (ended := running.ended()) is None:
            for keeper in keepers:
                keeper.check()
            time.sleep(1)
    except KeyboardInterrupt:
        say("stopping")
        if lost := [keeper.lost for keeper in keepers if keeper.lost]:
            fail("; ".join(lost))
    else:
        fail(ended)
