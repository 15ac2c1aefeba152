"""``./run evaluate [FOLDER]``: how good are the vectors, way by way, on labelled photos?

FOLDER is in LFW's layout, a folder for each person; the sample faces by default. A ``pairs.txt`` in it is
used unasked, fold by fold; without one all pairs are compared. A photo on which no face is found is an error
and never left out. With the sample, searches are the sample's own: ``val`` photos among ``train`` photos.
Status 1: a promise isn't kept, or nothing could be measured; 2: wrong arguments.
"""

from __future__ import annotations

import argparse
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
from typing import Any

import numpy as np
import typer
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from es_setup.embedded.plugins import EngineError
from evaluation import lfw, methods, report
from evaluation.engine_search import Found, search_index
from evaluation.methods import WAYS, Embedded, Way, side_by_side
from evaluation.pairs import read_pairs
from evaluation.report import Report
from evaluation.report_query import REPORTED, Answer, answers, most_similar, query_photo
from evaluation.results import IN_SAMPLE, Bar, Labels, Row, Task, eer_ratio, miss_ratio
from evaluation.vgg_knn import MEANT_NOTHING, Neighbours, Vgg, VggError, score
from faces import local_stack
from faces.cli.options import STANDARD_OUTPUT
from faces.cli.servers import stopped_by_signals
from faces.error_rates import identification, verification
from faces.error_rates.det_curve import Scores
from faces.error_rates.identification import Positions
from faces.labelled_photos import Folder, FolderError, read
from faces.photos import readable
from ingest_service import __version__, profiles
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, WeightsError, default_cache
from ingest_service.weights.prepare import prepare

DEFAULT = "facenet"
"""The way that the service goes by default."""
REPORTS = "report"
"""The way that the original report went."""
HITS = 5
PHOTOS_AT_ONCE = 512
BELOW_1 = float(np.nextafter(1, 0))


def sample_task(cache: Cache) -> Task:
    """All pairs of the sample's photos, and its own split."""
    folder = read(cache.sample)
    held_out = np.array([photo.parent.parent.name == "val" for photo in folder.photos])
    return _task(folder, None, np.flatnonzero(~held_out), np.flatnonzero(held_out), sample=True)


def folder_task(folder: Path, pairs: Path | None) -> Task:
    """
    Raises:
        FolderError: nothing can be measured with it, or with its list of pairs.
    """
    found = read(folder)
    if all(methods.read(photo) is None for photo in found.photos):
        raise FolderError(
            f"none of the {len(found.photos)} photos in [{readable(folder)}] can be read: are they photos?"
        )
    listed = pairs or (folder / "pairs.txt" if (folder / "pairs.txt").is_file() else None)
    several = np.bincount(found.labels())[found.labels()] > 1
    everything = np.arange(len(found.photos))
    task = _task(found, listed, everything, np.flatnonzero(several), sample=False)
    if listed and (task.same.all() or not task.same.any()):
        kind = "two people" if task.same.all() else "one person"
        raise FolderError(
            f"[{readable(listed)}] has no pair of {kind}: rates of errors take pairs of both kinds"
        )
    return task


def measure(task: Task, way: Way, embedded: Embedded) -> Row:
    """A way's numbers from its vectors."""
    vectors = embedded.vectors
    failed = embedded.failed
    scores = _scores(way, vectors, task.first, task.second)
    lost = failed[task.first] | failed[task.second]
    people = (task.people[task.first], task.people[task.second])
    parts = identification.roles(task.people)
    return Row(
        way.name,
        way.about,
        photos=len(vectors),
        unreadable=int(embedded.unreadable.sum()),
        no_face=int((failed & ~embedded.unreadable).sum()),
        photos_per_second=len(vectors) / embedded.seconds,
        verification=verification.verify(scores, task.same, lost, task.folds),
        intervals=verification.intervals(scores, task.same, lost, *people, task.folds),
        retrieval=identification.leave_one_out(vectors, task.people, way.similarity).summary(),
        identification=identification.open_set(
            identification.search(vectors, task.people, parts, way.similarity)
        ),
    )


def bars(task: Task, rows: dict[str, Row], found: Found) -> list[Bar]:
    """What this project promises of the sample, and of LFW's protocol."""
    ours, sure = rows[DEFAULT].verification, rows[DEFAULT].intervals
    assert ours is not None
    assert sure is not None
    if task.sample:
        over_default = eer_ratio(rows[DEFAULT], rows["DeepFace default"])
        over_profile = eer_ratio(rows[DEFAULT], rows["deepface"])
        return [
            Bar("EER", ours.eer, 0.02, True, sure.eer),
            Bar.of_ratio("EER over DeepFace's default way's", over_default, 0.5),
            Bar.of_ratio("EER over the deepface profile's, below 1", over_profile, BELOW_1),
            Bar("rank 1 over val, through Elasticsearch", found.rank1, 1.0, False),
        ]
    if ours.accuracy is None:
        return []
    kept = [
        Bar("accuracy of the folds", ours.accuracy.mean, 0.994, False, sure.accuracy),
        Bar("rank 1, through Elasticsearch", found.rank1, 0.975, False),
    ]
    for name, share in ((DEFAULT, 0.65), (f"{DEFAULT}-thorough", 0.5)):
        if name in rows and rows["deepface"].misses(0.01):
            promise = f"{name}: FNIR at FPIR 0.01 over the deepface profile's"
            kept.append(Bar.of_ratio(promise, miss_ratio(rows[name], rows["deepface"], 0.01), share))
    return kept


def baseline(task: Task, weights: Path | None, progress: Callable[[str, int], None]) -> Neighbours:
    """The report's VGG-16 and nearest neighbours; or why its weights can't be had."""
    try:
        network = Vgg.load(weights)
    except VggError as error:
        return str(error)
    vectors = network.embed(task.folder.photos, lambda done: progress("VGG-16", done)).vectors
    return tuple(score(vectors, task.people))


def _task(folder: Folder, pairs: Path | None, indexed: Positions, queries: Positions, sample: bool) -> Task:
    people = folder.labels()
    if pairs is None:
        first, second = np.triu_indices(len(people), 1)
        folds = None
    else:
        listed = read_pairs(pairs, folder)
        first = np.array([pair.first for pair in listed])
        second = np.array([pair.second for pair in listed])
        folds = np.array([pair.fold for pair in listed])
        folds = folds if folds.max() else None
    same = people[first] == people[second]
    return Task(folder, people, first, second, same, folds, indexed, queries, sample, pairs is not None)


def _nothing_found(task: Task, embedded: Embedded) -> str:
    """What is said of a way that gives no pair a similarity; nothing of others."""
    if not (embedded.failed[task.first] | embedded.failed[task.second]).all():
        return ""
    found = len(task.people) - int(embedded.failed.sum())
    return f"found a face on {found} of {len(task.people)} photos, and on both photos of no pair"


def _scores(way: Way, vectors: identification.Vectors, first: Labels, second: Labels) -> Scores:
    """(pairs,): each pair's similarity by the way."""
    scores = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(vectors), PHOTOS_AT_ONCE):
        stop = start + PHOTOS_AT_ONCE
        these = (first >= start) & (first < stop)
        similar = way.similarity(vectors[start:stop], vectors)
        scores[these] = similar[first[these] - start, second[these]]
    return scores


def table(rows: list[Row]) -> Table:
    sheet = Table(box=None, header_style="dim")
    for name in (
        "way",
        "no face",
        "accuracy %",
        "AUC",
        "EER %",
        "rank 1",
        "mAP",
        "FNIR at FPIR 0.1 / 0.01",
        "photos/s",
    ):
        sheet.add_column(name, justify="left" if name == "way" else "right")
    for row in rows:
        sheet.add_row(row.way, *(_numbers(row) if row.missing is None else (row.missing,)))
    return sheet


def _numbers(row: Row) -> Iterator[str]:
    assert row.verification is not None
    assert row.intervals is not None
    assert row.retrieval is not None
    found, sure = row.verification, row.intervals
    yield str(row.no_face)
    yield f"{100 * found.accuracy.mean:.2f} ± {100 * found.accuracy.std:.2f}" if found.accuracy else "-"
    yield f"{found.auc:.4f}"
    spread = f" ({100 * sure.eer.low:.2f}, {100 * sure.eer.high:.2f})" if sure.eer else ""
    yield f"{100 * found.eer:.2f}{spread}"
    yield f"{row.retrieval.rank1.value:.3f}"
    yield f"{row.retrieval.mean_average_precision.value:.3f}"
    yield " / ".join(f"{miss.fnir:.3f}" if (miss := row.misses(fpir)) else "-" for fpir in (0.1, 0.01))
    yield f"{row.photos_per_second:.1f}"


def run(
    task: Task,
    cache: Cache,
    es: Elasticsearch,
    console: Console,
    out: Path | None = None,
    vgg_weights: Path | None = None,
) -> dict[str, Any]:
    """Measures every way, and prints and returns what was found; a report goes into the folder ``out``.

    Raises:
        FolderError: the default way has no vectors to measure.
    """
    rows: dict[str, Row] = {}
    vectors: dict[str, identification.Vectors] = {}
    with photo_progress(len(task.folder.photos)) as progress:
        for done in side_by_side(WAYS, cache, task.folder.photos, progress):
            way = done.way
            missing = done.missing if done.embedded is None else _nothing_found(task, done.embedded)
            if done.embedded is None or missing:
                rows[way.name] = Row(way.name, way.about, missing)
                if way.name == DEFAULT:
                    raise FolderError(f"nothing can be measured: {DEFAULT} {missing}")
                continue
            vectors[way.name] = done.embedded.vectors
            rows[way.name] = measure(task, way, done.embedded)
        neighbours = baseline(task, vgg_weights, progress)
    found = search_index(es, vectors[DEFAULT], task.people, task.indexed, task.queries)
    promises = bars(task, rows, found)
    query = query_photo(task)
    hits = most_similar(vectors[DEFAULT], query, HITS)
    asked = {
        way.name: answers(vectors[way.name], task.people, query, way.similarity)
        for way in sorted(WAYS, key=lambda way: way.name != DEFAULT)
        if way.name in vectors and way.name in (DEFAULT, REPORTS)
    }
    show(task, list(rows.values()), found, console)
    show_query(task, query, hits, asked, console)
    show_baseline(neighbours, console)
    show_bars(promises, console)
    if out:
        way = next(way for way in WAYS if way.name == DEFAULT)
        report.write(
            Report(
                task=task,
                rows=tuple(rows.values()),
                default=DEFAULT,
                vectors=vectors[DEFAULT],
                scores=_scores(way, vectors[DEFAULT], task.first, task.second),
                neighbours=neighbours,
                found=found,
                bars=tuple(promises),
                query=query,
                asked=asked,
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
        "pairs": len(task.first),
        "rows": [asdict(row) for row in rows.values()],
        "vgg_knn": neighbours if isinstance(neighbours, str) else [asdict(one) for one in neighbours],
        "elasticsearch": asdict(found),
        "query": {
            "photo": task.name(query),
            "most_similar": [{"photo": task.name(photo), "similarity": score} for photo, score in hits],
            "answers": {
                way: [asdict(one) | {"photo": task.name(one.photo)} for one in found]
                for way, found in asked.items()
            },
        },
        "bars": [bar.as_json() for bar in promises],
        "passed": all(bar.passed for bar in promises),
    }


def show(
    task: Task,
    rows: list[Row],
    found: Found,
    console: Console,
) -> None:
    how = "its list of pairs" if task.listed else "all pairs"
    console.print(
        f"{len(task.people)} photos of {int(task.people.max()) + 1} people; {len(task.first)} pairs ({how}), "
        f"{int(task.same.sum())} of one person",
        markup=False,
    )
    if task.sample:
        console.print(IN_SAMPLE, markup=False)
    if unreadable := max(row.unreadable for row in rows):
        console.print(f"{unreadable} of the photos can't be read: an error of every way", markup=False)
    console.print(table(rows))
    console.print(f"through Elasticsearch, {DEFAULT}: {found.words}", markup=False)


def show_query(
    task: Task,
    query: int,
    hits: list[tuple[int, float]],
    asked: dict[str, tuple[Answer, ...]],
    console: Console,
) -> None:
    console.print(f"\nmost similar to {task.name(query)}:", markup=False)
    for photo, similarity in hits:
        console.print(f"  {similarity:.3f}  {task.name(photo)}", markup=False)
    sheet = Table(box=None, header_style="dim")
    for name in ("", *(f"way {way}" for way in asked), "in the report itself"):
        sheet.add_column(name, justify="left" if not name else "right")
    for kind, reported in REPORTED:
        here = (next((one for one in found if one.kind == kind), None) for found in asked.values())
        sheet.add_row(kind, *(f"{one.similarity:.3f}" if one else "-" for one in here), reported)
    console.print(sheet)


def show_baseline(neighbours: Neighbours, console: Console) -> None:
    if isinstance(neighbours, str):
        console.print(f"\nVGG-16 + KNN: {neighbours}", markup=False)
    else:
        console.print("\nVGG-16 + KNN: right on its own training set, and on photos left out", markup=False)
        for one in neighbours:
            shares = ("-" if share is None else f"{share:.4f}" for share in (one.training_set, one.left_out))
            console.print(f"  k = {one.k}: {', '.join(shares)}", markup=False)
    console.print(MEANT_NOTHING, markup=False)


def show_bars(promises: list[Bar], console: Console) -> None:
    if promises:
        console.print()
    for bar in promises:
        sign = "at most" if bar.at_most else "at least"
        console.print(
            f"{'kept' if bar.passed else 'NOT KEPT'}: {bar.promise}: {bar.said}, {sign} {bar.limit:.4f}",
            markup=False,
        )


def _versions(es: Elasticsearch) -> dict[str, str]:
    return {
        "ingest-face": __version__,
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": metadata.version("onnxruntime"),
        "Elasticsearch": next(iter(es.nodes.info(metric="os")["nodes"].values()))["version"],
    }


@contextmanager
def photo_progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error, which is told a way and how many of its photos are done."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda way, done: progress.update(bar, description=way, completed=done)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run evaluate", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="a folder for each person")
    parser.add_argument("--lfw", action="store_true", help="all of LFW, which scikit-learn downloads once")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="pairs to verify, as in LFW's pairs.txt")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers; - is standard output")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write a report with pictures, report.html")
    parser.add_argument(
        "--vgg-weights",
        type=Path,
        metavar="FILE",
        help="VGG-16's ImageNet weights; default: Keras's download",
    )
    arguments = parser.parse_args()
    if arguments.lfw and arguments.folder:
        parser.error("--lfw goes without a FOLDER: it is one")
    if arguments.pairs and not (arguments.folder or arguments.lfw):
        parser.error("--pairs goes with a FOLDER or --lfw")
    # All that is only needed after an hour is looked at now.
    if arguments.json and arguments.json.is_dir():
        parser.error(f"--json: [{readable(arguments.json)}] is a folder")
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder [{readable(arguments.json.parent)}]")
    if arguments.out and arguments.out.exists() and not arguments.out.is_dir():
        parser.error(f"--out: [{readable(arguments.out)}] is no folder")
    if arguments.vgg_weights and not arguments.vgg_weights.is_file():
        parser.error(f"--vgg-weights: there is no file [{readable(arguments.vgg_weights)}]")
    return arguments


def _task_of(arguments: argparse.Namespace, cache: Cache) -> Task:
    if arguments.lfw:
        return folder_task(lfw.fetch(cache, _say), arguments.pairs)
    if arguments.folder:
        return folder_task(arguments.folder, arguments.pairs)
    prepare(cache, _say)
    return sample_task(cache)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    arguments = _arguments()
    scripted = arguments.json == STANDARD_OUTPUT
    wide = (sys.stderr if scripted else sys.stdout).isatty()
    console = Console(highlight=False, width=None if wide else 160, stderr=scripted)
    try:
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
        with stopped_by_signals():
            task = _task_of(arguments, Cache(default_cache()))
            cache, home = local_stack.prepare_all(lambda _: None)
            with local_stack.running_stack(cache, home, lambda _: None) as running:
                es = running.connection.elasticsearch()
                answer = run(task, cache, es, console, arguments.out, arguments.vgg_weights)
        written = json.dumps(answer, indent=2, allow_nan=False) + "\n"
        if scripted:
            sys.stdout.write(written)
        elif arguments.json:
            arguments.json.write_text(written)
    except typer.Exit as stopped:
        raise SystemExit(stopped.exit_code) from None
    except (FolderError, EngineError, WeightsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    raise SystemExit(0 if answer["passed"] else 1)


if __name__ == "__main__":
    main()
