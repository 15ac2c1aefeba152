"""Commands that run servers here: up, demo."""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces import demo as demos
from faces import local_stack
from faces.calibration.indices import calibration_of
from faces.cli.options import Labels
from faces.cli.output import (
    busy,
    check_can_write,
    explained,
    fail,
    out,
    print_matches,
    say,
    summary,
    tracked,
    verdicts,
)
from faces.extras import require
from faces.indexing import Indexed
from faces.plotting import plot
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
"""What the service is started with."""


def up(
    data: Annotated[
        Path | None, typer.Option(help="the data stays in its folder ingest-face; default: the cache")
    ] = None,
    es_port: Annotated[int, typer.Option(min=1, max=65535, help="Elasticsearch's port")] = 9200,
    faces_port: Annotated[int, typer.Option(min=1, max=65535, help="the service's port")] = 8501,
) -> None:
    """Run the embedded stack on loopback until Ctrl-C. What is indexed is there at the next start."""
    with explained(), stopped_by_signals():
        require("service", *SERVICE)
        with busy() as step:
            cache, home = local_stack.prepare_all(step)
        folder = (data or cache.root).resolve()
        with starting(cache, home, folder, es_port, faces_port) as running:
            print_addresses(running.connection, None)
            wait_for_ctrl_c(running)


def demo(
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="photos; default: the sample")
    ] = None,
    labels: Labels = None,
    query: Annotated[
        str | None, typer.Option(help="search with this photo alone, of FOLDER or elsewhere")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="leave the servers running until Ctrl-C")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures")] = None,
    plot_file: Annotated[Path, typer.Option("--plot", help="where the picture goes")] = Path(
        "faces-demo.png"
    ),
) -> None:
    """Start everything, index a folder of photos, search, show the matches, stop everything."""
    with explained(), stopped_by_signals():
        check_can_write(json_file, plot_file)
        require("demo", *SERVICE, "matplotlib")
        with busy() as step:
            cache, home = local_stack.prepare_all(step)
        if folder is None:
            plan = demos.plan_sample(cache.sample)
            plan = plan if query is None else demos.plan_folder(cache.sample / "train", True, query)
        else:
            plan = demos.plan_folder(folder, labels == "folder", query)
        with starting(cache, home) as running:
            run_demo(running, plan, json_file, plot_file)
            if keep:
                print_addresses(running.connection, plan.queries[0].path if plan.queries else None)
                wait_for_ctrl_c(running)


def run_demo(running: local_stack.Stack, plan: demos.Plan, json_file: Path | None, plot_file: Path) -> None:
    """Indexes, searches, and prints what was found."""
    es: Elasticsearch = running.connection.elasticsearch()

    def shown(results: Iterable[Indexed]) -> Iterable[Indexed]:
        return tracked(results, len(plan.to_index), "indexing")

    tally = demos.index_all(es, plan, shown, say)
    shared = calibration_of(es, "faces").calibration
    searches = demos.search_all(es, running.connection.service(), plan.queries, shared)
    answers = list(tracked(searches, len(plan.queries), "searching"))
    words = verdicts(shared)
    plot([answer.query for answer in answers], plot_file, f"queries and their best matches: {words}")
    found = demos.figures(tally, answers, running.model, shared) | {"picture": str(plot_file.resolve())}
    if json_file:
        json_file.write_text(json.dumps(found, indent=2) + "\n")
    if len(answers) == 1:
        if answers[0].query.matches:
            print_matches(answers[0].query.matches)
        else:
            out.print(answers[0].query.note, markup=False)
    out.print()
    out.print(
        f"{summary(tally)} in {tally.seconds:.1f} s ({found['photos_per_second']} photos/s)", markup=False
    )
    if found["top1"] is not None:
        judged = sum(answer.right is not None for answer in answers)
        out.print(f"{found['right']} of {judged} queries had the right person first", markup=False)
    if not answers:
        out.print("no queries: nobody has two photos in a folder of their name", markup=False)
    out.print(f"verdicts: {words}", markup=False)
    out.print(f"picture: {plot_file.resolve()}", markup=False)
    if tally.not_stored:
        fail(f"{tally.not_stored} photos were not stored")


def print_addresses(connection: Connection, photo: Path | None) -> None:
    """Where the servers are, and two requests that work as pasted."""
    name = shlex.quote(str(photo.resolve())) if photo else "photo.jpg"
    before = '{"knn": {"field": "faces.vector", "k": 5, "num_candidates": 100,'
    before += ' "query_vector_builder": {"face": {"image": "'
    wanted = "filter_path=hits.hits._score,hits.hits._source.file.path&pretty"
    out.print(
        f"\nElasticsearch      {connection.es_url}\ninference service  {connection.faces_url}", markup=False
    )
    out.print("\nSearch with a photo:\n", markup=False)
    out.print(
        f"{{ printf '{before}'; base64 < {name} | tr -d '\\n'; printf '\"}}}}}}}}'; }} |"
        " curl -sS -H 'Content-Type: application/json' --data-binary @-"
        f" '{connection.es_url}/faces/_search?{wanted}'",
        markup=False,
    )
    first = first_with_faces(connection.elasticsearch())
    out.print("\nSearch with a photo that is indexed already (Dev Tools):\n", markup=False)
    out.print(
        f"""GET faces/_search
{{
  "knn": {{
    "field": "faces.vector", "k": 5, "num_candidates": 100,
    "query_vector_builder": {{ "face": {{ "document": {{ "index": "faces", "id": "{first}" }} }} }}
  }},
  "_source": ["file.path"], "docvalue_fields": ["people"]
}}""",
        markup=False,
    )
    out.print("\nCtrl-C stops everything.", markup=False)


def first_with_faces(es: Elasticsearch) -> str:
    with_faces = {"range": {"face_count": {"gte": 1}}}
    answer = es.search(index="faces", size=1, query=with_faces, source=False, ignore_unavailable=True)
    hits = answer["hits"]["hits"]
    return str(hits[0]["_id"]) if hits else "ID"


@contextmanager
def starting(
    cache: Cache,
    home: Path,
    data: Path | None = None,
    es_port: int | None = None,
    faces_port: int | None = None,
) -> Iterator[local_stack.Stack]:
    """The running stack, with a moving bar until it runs."""
    with ExitStack() as servers:
        with busy() as step:
            step("starting the servers")
            running = servers.enter_context(
                local_stack.running_stack(cache, home, step, data, es_port, faces_port)
            )
        yield running


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and Ctrl-C both wind up what was started."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    # SIGHUP: the terminal was closed. SIGINT: a shell's background jobs begin with it ignored.
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


def wait_for_ctrl_c(running: local_stack.Stack) -> None:
    """Returns at Ctrl-C or SIGTERM: the servers' own clean-up follows. Fails when a server ends by itself."""
    try:
        while (ended := running.ended()) is None:
            time.sleep(1)
    except KeyboardInterrupt:
        say("\nstopping")
    else:
        fail(ended)
