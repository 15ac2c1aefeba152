"""``./run evaluate [FOLDER]``: how good are the vectors, way by way, on labelled photos?

FOLDER is in LFW's layout, a folder for each person; the sample faces by default. A ``pairs.txt`` in it is
used unasked, fold by fold; without one all pairs are compared. A photo on which no face is found is an error
and never left out. With the sample, searches are the sample's own: ``val`` photos among ``train`` photos.
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

from es_setup import stack
from es_setup.calibration.folders import Folder, FolderError, read
from es_setup.cli.servers import stopped_by_signals
from es_setup.engine import EngineError
from evaluation import identification, report, verification
from evaluation.curve import Scores
from evaluation.engine_search import Found, search_index
from evaluation.identification import Positions
from evaluation.pairs import read_pairs
from evaluation.report import Report
from evaluation.results import Bar, Labels, Row, Task
from evaluation.vgg_knn import MEANT_NOTHING, KnnScore, Vgg, VggError, score
from evaluation.ways import WAYS, Embedded, Way, side_by_side
from ingest_service import __version__, profiles
from ingest_service.settings import Settings
from ingest_service.weights import Cache, WeightsError, default_cache, prepare

REPORTED = "the report: the photo itself 1, the same man 0.09, a stranger 0.08"
REPORTS_QUERY = "Alvaro_Noboa/Alvaro_Noboa_0001"
DEFAULT = "facenet"
"""The way that the service goes by default."""
PHOTOS_AT_ONCE = 512


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
    listed = pairs or (folder / "pairs.txt" if (folder / "pairs.txt").is_file() else None)
    several = np.bincount(found.labels())[found.labels()] > 1
    everything = np.arange(len(found.photos))
    return _task(found, listed, everything, np.flatnonzero(several), sample=False)


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
    ours, theirs = rows[DEFAULT].verification, rows["deepface"].verification
    default = rows["DeepFace default"].verification
    assert ours is not None
    if task.sample:
        assert theirs is not None
        assert default is not None
        return [
            Bar("EER at most 2 %", ours.eer, 0.02, True),
            Bar("EER at most half of DeepFace's default way", ours.eer, default.eer / 2, True),
            Bar("EER below the deepface profile's", ours.eer, np.nextafter(theirs.eer, 0), True),
            Bar("rank 1 over val, through Elasticsearch", found.rank1, 1.0, False),
        ]
    if ours.accuracy is None:
        return []
    limit = rows["deepface"].fnir(0.01)
    kept = [
        Bar("accuracy of the folds at least 99.4 %", ours.accuracy.mean, 0.994, False),
        Bar("rank 1 at least 0.975, through Elasticsearch", found.rank1, 0.975, False),
    ]
    for name, share in ((DEFAULT, 0.65), (f"{DEFAULT}-thorough", 0.5)):
        if name in rows and limit is not None:
            promise = f"{name}: FNIR at FPIR 0.01 at most {share} of the deepface profile's"
            kept.append(Bar(promise, rows[name].fnir(0.01), share * limit, True))
    return kept


def baseline(task: Task, weights: Path | None, progress: Callable[[str, int], None]) -> list[KnnScore] | str:
    """The report's VGG-16 and nearest neighbours; or why its weights can't be had."""
    try:
        network = Vgg.load(weights)
    except VggError as error:
        return str(error)
    return score(
        network.embed(task.folder.photos, lambda done: progress("VGG-16", done)).vectors, task.people
    )


def query_photo(task: Task) -> int:
    """Position of the report's query, or of the first photo of the first person with two."""
    several = np.flatnonzero(np.bincount(task.people)[task.people] > 1)
    names = (task.name(photo) for photo in range(len(task.people)))
    return next((photo for photo, name in enumerate(names) if name == REPORTS_QUERY), int(several[0]))


def most_similar(task: Task, vectors: identification.Vectors, query: int) -> list[tuple[str, float]]:
    """The photos most similar to the query, itself among them; none if no face was found on it."""
    similar = identification.cosine(vectors[[query]], vectors)[0]
    best = np.argsort(-np.nan_to_num(similar, nan=-2), kind="stable")[:5].tolist()
    return [(task.name(photo), float(similar[photo])) for photo in best if np.isfinite(similar[photo])]


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
    return Task(folder, people, first, second, same, folds, indexed, queries, sample)


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
    yield " / ".join("-" if (miss := row.fnir(fpir)) is None else f"{miss:.3f}" for fpir in (0.1, 0.01))
    yield f"{row.photos_per_second:.1f}"


def run(
    task: Task,
    cache: Cache,
    es: Elasticsearch,
    console: Console,
    out: Path | None = None,
    vgg_weights: Path | None = None,
) -> dict[str, Any]:
    """Measures every way, and prints and returns what was found; a report goes into the folder ``out``."""
    rows: dict[str, Row] = {}
    vectors: dict[str, identification.Vectors] = {}
    with _progress(len(task.folder.photos)) as progress:
        for done in side_by_side(WAYS, cache, task.folder.photos, progress):
            way = done.way
            if done.embedded is None:
                rows[way.name] = Row(way.name, way.about, done.missing)
                continue
            vectors[way.name] = done.embedded.vectors
            rows[way.name] = measure(task, way, done.embedded)
        neighbours = baseline(task, vgg_weights, progress)
    found = search_index(es, vectors[DEFAULT], task.people, task.indexed, task.queries)
    promises = bars(task, rows, found)
    query = query_photo(task)
    hits = most_similar(task, vectors[DEFAULT], query)
    show(task, list(rows.values()), found, promises, task.name(query), hits, console)
    show_baseline(neighbours, console)
    if out:
        way = next(way for way in WAYS if way.name == DEFAULT)
        report.write(
            Report(
                task=task,
                rows=tuple(rows.values()),
                default=DEFAULT,
                vectors=vectors[DEFAULT],
                scores=_scores(way, vectors[DEFAULT], task.first, task.second),
                found=found,
                bars=tuple(promises),
                query=query,
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
        "pairs": len(task.first),
        "rows": [asdict(row) for row in rows.values()],
        "vgg_knn": neighbours if isinstance(neighbours, str) else [asdict(one) for one in neighbours],
        "elasticsearch": asdict(found),
        "query": [{"photo": photo, "similarity": similarity} for photo, similarity in hits],
        "bars": [bar.as_json() for bar in promises],
        "passed": all(bar.passed for bar in promises),
    }


def show(
    task: Task,
    rows: list[Row],
    found: Found,
    promises: list[Bar],
    query: str,
    hits: list[tuple[str, float]],
    console: Console,
) -> None:
    how = "its list of pairs" if task.folds is not None else "all pairs"
    console.print(
        f"{len(task.people)} photos of {int(task.people.max()) + 1} people; {len(task.first)} pairs ({how}), "
        f"{int(task.same.sum())} of one person",
        markup=False,
    )
    console.print(table(rows))
    console.print(
        f"through Elasticsearch, {DEFAULT}: {found.searches} searches, rank 1 {found.rank1:.4f}, recall@10 "
        f"of exact search {found.recall_at_10:.4f}, similarities off by {found.largest_error:.1e} at most",
        markup=False,
    )
    console.print(f"\nmost similar to {query} ({REPORTED}):", markup=False)
    for photo, similarity in hits:
        console.print(f"  {similarity:.3f}  {photo}", markup=False)
    for bar in promises:
        sign = "at most" if bar.at_most else "at least"
        measured = "-" if bar.measured is None else f"{bar.measured:.4f}"
        console.print(
            f"{'kept' if bar.passed else 'NOT KEPT'}: {bar.promise}: {measured} ({sign} {bar.limit:.4f})",
            markup=False,
        )


def show_baseline(neighbours: list[KnnScore] | str, console: Console) -> None:
    if isinstance(neighbours, str):
        console.print(f"\nVGG-16 + KNN: {neighbours}", markup=False)
    else:
        console.print("\nVGG-16 + KNN: right on its own training set, and on photos left out", markup=False)
        for one in neighbours:
            shares = ("-" if share is None else f"{share:.4f}" for share in (one.training_set, one.left_out))
            console.print(f"  k = {one.k}: {', '.join(shares)}", markup=False)
    console.print(MEANT_NOTHING, markup=False)


def _versions(es: Elasticsearch) -> dict[str, str]:
    return {
        "ingest-face": __version__,
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": metadata.version("onnxruntime"),
        "Elasticsearch": next(iter(es.nodes.info(metric="os")["nodes"].values()))["version"],
    }


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on standard error, which is told a way and how many of its photos are done."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda way, done: progress.update(bar, description=way, completed=done)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run evaluate", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="a folder for each person")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="pairs to verify, as in LFW's pairs.txt")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write a report with pictures, report.html")
    parser.add_argument(
        "--vgg-weights",
        type=Path,
        metavar="FILE",
        help="VGG-16's ImageNet weights; default: Keras's download",
    )
    arguments = parser.parse_args()
    if arguments.pairs and not arguments.folder:
        parser.error("--pairs goes with a FOLDER")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    try:
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
        cache = Cache(default_cache())
        prepare(cache, lambda _: None)
        task = folder_task(arguments.folder, arguments.pairs) if arguments.folder else sample_task(cache)
        found, home = stack.prepare_all(lambda _: None)
        with stopped_by_signals(), stack.running_stack(found, home, lambda _: None) as running:
            answer = run(
                task, cache, running.connection.elasticsearch(), console, arguments.out, arguments.vgg_weights
            )
    except typer.Exit as stopped:
        raise SystemExit(stopped.exit_code) from None
    except (FolderError, EngineError, WeightsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    if arguments.json:
        arguments.json.write_text(json.dumps(answer, indent=2, allow_nan=False) + "\n")
    raise SystemExit(0 if answer["passed"] else 1)


if __name__ == "__main__":
    main()
