"""``./run evaluate [FOLDER]``: how good are the vectors of each method, on labelled photos?"""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from elasticsearch import Elasticsearch
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from es_setup.private_files import private_folder, write_private
from evaluation import lfw
from evaluation.bars import DEFAULT, bars
from evaluation.engine_search import search_index
from evaluation.methods import METHODS, side_by_side
from evaluation.original_query import answers, most_similar, query_photo
from evaluation.portraits import portrait_rates
from evaluation.printing import show, show_bars, show_baseline, show_portraits, show_query
from evaluation.report.findings import Findings
from evaluation.report.page import write
from evaluation.results import MethodResult
from evaluation.task import Task, folder_task, sample_task
from evaluation.vgg_knn import Neighbours, Vgg, VggError, score
from faces import local_stack
from faces.cli.options import STANDARD_OUTPUT
from faces.cli.output import err, fail, say
from faces.cli.servers import stopped_by_signals
from faces.error_rates.arrays import Vectors
from faces.error_rates.similarity import pair_scores
from faces.labelled_photos import FolderError
from faces.photos import readable
from faces.shown.printable import printable
from faces.shown.terminal import PlainConsole
from ingest_service import __version__, profiles
from ingest_service.errors import UserError
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare

REPORTS = "report"
"""The original report's method."""
HITS = 5
PORTRAITS = (DEFAULT, "facenet-sface")
"""The methods that several portraits are measured with: the default, and the most accurate one."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="a folder for each person, as in LFW; default: the sample faces"
        ),
    ] = None,
    all_of_lfw: Annotated[
        bool, typer.Option("--lfw", help="all of LFW, which scikit-learn downloads once")
    ] = False,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="pairs to verify; default: FOLDER/pairs.txt, or all")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="write all numbers; - is standard output"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write a report with pictures, report.html")
    ] = None,
    vgg_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="VGG-16's ImageNet weights; default: Keras's download")
    ] = None,
) -> None:
    """Measure the accuracy of each method on labelled photos, and check this project's promises.

    A photo on which no face is found counts as an error. On the sample, photos of `val` are searched among
    those of `train`. Exit status 1: a promise isn't kept, or nothing can be measured; 2: wrong arguments.
    """
    _check(folder, all_of_lfw, pairs)
    _check_files(json_file, out, vgg_weights)
    scripted = json_file == STANDARD_OUTPUT
    console = PlainConsole(stderr=scripted, width=160)
    try:
        if out:
            private_folder(out)
        with stopped_by_signals():
            task = _task(Cache(default_cache()), folder, all_of_lfw, pairs)
            cache, home = local_stack.prepare_all(lambda _: None)
            with local_stack.running_stack(cache, home, lambda _: None) as running:
                found = run(task, cache, running.connection.elasticsearch(), console, out, vgg_weights)
        written = json.dumps(found, indent=2, allow_nan=False) + "\n"
        if scripted:
            sys.stdout.write(written)
        elif json_file:
            write_private(json_file, written.encode())
    except (UserError, OSError) as error:
        fail(str(error))
    raise typer.Exit(0 if found["passed"] else 1)


def run(
    task: Task,
    cache: Cache,
    es: Elasticsearch,
    console: PlainConsole,
    out: Path | None = None,
    vgg_weights: Path | None = None,
) -> dict[str, Any]:
    """Measures every method, and prints and returns the results; a report goes into the folder ``out``.

    Raises:
        FolderError: the default method has no vectors to measure.
    """
    results: dict[str, MethodResult] = {}
    vectors: dict[str, Vectors] = {}
    with photo_progress(len(task.folder.photos)) as progress:
        for done in side_by_side(METHODS, cache, task.folder.photos, progress):
            method = done.method
            if done.embedded is None:
                result = MethodResult(method.name, method.about, done.missing)
            else:
                result = MethodResult.of(task, method, done.embedded)
            results[method.name] = result
            if done.embedded is not None and result.rates:
                vectors[method.name] = done.embedded.vectors
            elif method.name == DEFAULT:
                raise FolderError(f"nothing can be measured: {DEFAULT} {result.missing}")
        neighbours = baseline(task, vgg_weights, progress)
    found = search_index(es, vectors[DEFAULT], task.people, task.indexed, task.queries)
    promises = bars(task, results, found)
    query = query_photo(task)
    hits = most_similar(vectors[DEFAULT], query, HITS)
    similarities = {method.name: method.similarity for method in METHODS}
    asked = {
        name: answers(vectors[name], task.people, query, similarities[name])
        for name in (DEFAULT, REPORTS)
        if name in vectors
    }
    portraits = {name: portrait_rates(vectors[name], task.people) for name in PORTRAITS if name in vectors}
    show(task, list(results.values()), found, console)
    show_query(task, query, hits, asked, console)
    show_baseline(neighbours, console)
    show_portraits(portraits, console)
    show_bars(promises, console)
    if out:
        ours = vectors[DEFAULT]
        write(
            Findings(
                task=task,
                results=tuple(results.values()),
                default=DEFAULT,
                vectors=ours,
                scores=pair_scores(ours, task.pairs.first, task.pairs.second, similarities[DEFAULT]),
                neighbours=neighbours,
                found=found,
                bars=tuple(promises),
                query=query,
                answers=asked,
                portraits=portraits,
                command=shlex.join(["./run", "evaluate", *sys.argv[1:]]),
                model_id=profiles.load(Settings(profile=DEFAULT, cache=cache.root)).model.id,
                versions=_versions(es),
                made=datetime.now().astimezone(),
            ),
            out,
        )
    return {
        "folder": str(task.folder.root),
        "photos": len(task.people),
        "people": int(task.people.max()) + 1,
        "in_sample": task.sample,
        "pairs": len(task.pairs.first),
        "rows": [result.as_json() for result in results.values()],
        "vgg_knn": neighbours if isinstance(neighbours, str) else [asdict(one) for one in neighbours],
        "elasticsearch": asdict(found),
        "query": {
            "photo": task.name(query),
            "most_similar": [{"photo": task.name(photo), "similarity": score} for photo, score in hits],
            "answers": {
                method: [asdict(one) | {"photo": task.name(one.photo)} for one in found]
                for method, found in asked.items()
            },
        },
        "portraits": {
            name: rates if isinstance(rates, str) else rates.as_json() for name, rates in portraits.items()
        },
        "bars": [bar.as_json() for bar in promises],
        "passed": all(bar.passed for bar in promises),
    }


def baseline(task: Task, weights: Path | None, progress: Callable[[str, int], None]) -> Neighbours:
    """The report's VGG-16 and nearest neighbours, or why its weights are missing."""
    try:
        network = Vgg.load(weights)
    except VggError as error:
        return str(error)
    vectors = network.embed(task.folder.photos, lambda done: progress("VGG-16", done)).vectors
    return tuple(score(vectors, task.people))


@contextmanager
def photo_progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error; yields what is called with a method and the number of photos done."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda method, done: progress.update(bar, description=method, completed=done)


def _task(cache: Cache, folder: Path | None, all_of_lfw: bool, pairs: Path | None) -> Task:
    if all_of_lfw:
        return folder_task(lfw.fetch(cache, say), pairs)
    if folder:
        return folder_task(folder, pairs)
    prepare(cache, say)
    return sample_task(cache)


def _check(folder: Path | None, all_of_lfw: bool, pairs: Path | None) -> None:
    if all_of_lfw and folder:
        raise typer.BadParameter("--lfw goes without a FOLDER: it is one")
    if pairs and not (folder or all_of_lfw):
        raise typer.BadParameter("--pairs goes with a FOLDER or --lfw")


def _check_files(json_file: Path | None, out: Path | None, vgg_weights: Path | None) -> None:
    """Before the work, which may take an hour."""
    if json_file and json_file.is_dir():
        raise typer.BadParameter(f"--json: [{_shown(json_file)}] is a folder")
    if json_file and not json_file.parent.is_dir():
        raise typer.BadParameter(f"--json: there is no folder [{_shown(json_file.parent)}]")
    if out and out.exists() and not out.is_dir():
        raise typer.BadParameter(f"--out: [{_shown(out)}] is no folder")
    if vgg_weights and not vgg_weights.is_file():
        raise typer.BadParameter(f"--vgg-weights: there is no file [{_shown(vgg_weights)}]")


def _shown(path: Path) -> str:
    return printable(readable(path))


def _versions(es: Elasticsearch) -> dict[str, str]:
    return {
        "ingest-face": __version__,
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": metadata.version("onnxruntime"),
        "Elasticsearch": next(iter(es.nodes.info(metric="os")["nodes"].values()))["version"],
    }


if __name__ == "__main__":
    app(prog_name="./run evaluate")
