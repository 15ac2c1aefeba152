"""What an evaluation found, as a report: one HTML file that needs nothing else, and Markdown."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.engine_search import Found
from evaluation.methods import read
from evaluation.mistakes import people_in_trouble, worst_pairs
from evaluation.report_query import REPORTED, Answer, most_similar
from evaluation.results import IN_SAMPLE, Bar, Row, Task
from evaluation.vgg_knn import ABOUT, MEANT_NOTHING, Neighbours
from faces.error_rates.det_curve import Interval, Scores
from faces.error_rates.identification import Share, Vectors
from faces.reports import charts
from faces.reports.charts import Errors, Line
from faces.reports.html_page import (
    Block,
    Chart,
    Command,
    Heading,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
)

THUMBNAIL, QUALITY = 160, 82
WORST = 12
"""Pairs of each kind that are shown."""
FAILURES = 60
"""Photos without a face that are shown."""
HITS = 5
BASELINE = "VGG-16 + KNN"


@dataclass(frozen=True)
class Report:
    """
    rows: one for each way, in order.
    default: the way that all but the table and the curves is about; one of ``rows``, and not missing.
    vectors: (photos, dims) of the default way, NaN without a face.
    scores: (pairs,) similarities of the task's pairs by the default way, NaN where a face is missing.
    neighbours: of VGG-16 + KNN.
    query: position of the photo that is searched with as the original report did.
    asked: by way, what was found with it.
    command: as it was typed.
    versions: of what took part, by name.
    """

    task: Task
    rows: tuple[Row, ...]
    default: str
    vectors: Vectors
    scores: Scores
    neighbours: Neighbours
    found: Found
    bars: tuple[Bar, ...]
    query: int
    asked: dict[str, tuple[Answer, ...]]
    command: str
    model_id: str
    versions: dict[str, str]
    made: datetime

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(photos,): the default way found no face."""
        failed: NDArray[np.bool_] = np.isnan(self.vectors).any(axis=1)
        return failed


def write(report: Report, folder: Path) -> None:
    """Makes ``report.html``, ``report.md`` and ``report-pictures/`` in ``folder``.

    Raises:
        OSError: they can't be written.
    """
    page(report).write(folder, "report")


def page(report: Report) -> Page:
    task = report.task
    how = "its list of pairs" if task.listed else "all pairs"
    facts = (
        f"{len(task.people):,} photos of {int(task.people.max()) + 1:,} people in {task.folder.root}; "
        f"{len(task.first):,} pairs ({how}), {int(task.same.sum()):,} of one person."
    )
    rule = (
        "A photo on which no face was found is an error and never left out: its pairs are judged wrongly at "
        "every threshold, and a search with it finds nobody. Intervals are of 95 %, from a bootstrap over "
        "people."
    )
    said = (Text(facts), *([Text(IN_SAMPLE)] if task.sample else []), Text(rule))
    sections = (
        Section("What was promised", tuple(_promises(report))),
        Section("The ways side by side", tuple(_ways(report))),
        Section("Errors at every threshold", tuple(_curves(report))),
        Section("Similarities", tuple(_similarities(report))),
        Section("The report's query", tuple(_query(report))),
        Section("Worst mistakes", tuple(_mistakes(report))),
        Section("No face found", tuple(_failures(report))),
        Section("People", tuple(_people(report))),
        Section("How this was made", tuple(_made(report))),
    )
    return Page("How good are the vectors?", said, sections)


def _promises(report: Report) -> Iterator[Block]:
    if not report.bars:
        yield Text("Nothing: promises are made of the sample faces, and of LFW's own folds.")
        return
    broken = sum(not bar.passed for bar in report.bars)
    kept = "all are kept" if not broken else f"{broken} not kept"
    yield Text(f"{len(report.bars)} promises: {kept}.")
    rows = tuple(
        (
            "kept" if bar.passed else "NOT KEPT",
            bar.promise,
            bar.said,
            f"{'at most' if bar.at_most else 'at least'} {bar.limit:.4f}",
        )
        for bar in report.bars
    )
    yield Table(("", "promise", "measured", "limit"), rows, text=2)


def _ways(report: Report) -> Iterator[Block]:
    ways = [(row.way, row.about) for row in report.rows]
    yield Table(("way", "what it is"), (*ways, (BASELINE, ABOUT)), text=2)
    yield Heading("Are two photos of one person?")
    yield Text(
        "Accuracy: the mean of the folds ± their standard deviation, each with the threshold that is best on "
        "the others. EER: where both errors are equally frequent. TAR at a FAR: the share of one person's "
        "pairs accepted when at most that share of two people's pairs is. Their thresholds are drawn on "
        "these pairs themselves (in-sample)."
    )
    yield _verification(report.rows)
    yield Heading("Who is on this photo?")
    yield from _search_text(report)
    yield _identification(report.rows)
    yield Text(f"Through Elasticsearch, {report.default}: {report.found.words}.")
    yield Heading("Whose label does the nearest photo have?")
    yield Text(MEANT_NOTHING)
    yield _neighbours(report.neighbours)


def _neighbours(scores: Neighbours) -> Table:
    header = ("way", "right on its own training set (in-sample), %", "right on photos left out, %")
    if isinstance(scores, str):
        return Table(header, ((BASELINE, scores),))
    rows = [
        (f"{BASELINE}, k = {one.k}", _percent(one.training_set), _percent(one.left_out)) for one in scores
    ]
    return Table(header, tuple(rows))


def _verification(rows: tuple[Row, ...]) -> Table:
    measured = [row.verification for row in rows if row.verification]
    rates = [accepts.far for accepts in measured[0].true_accepts]
    header = ("way", "no face", "accuracy %", "AUC", "EER %", *(f"TAR % at FAR {far:g}" for far in rates))
    return Table((*header, "photos/s"), tuple(tuple(_verified(row)) for row in rows))


def _verified(row: Row) -> Iterator[str]:
    yield row.way
    if row.verification is None or row.intervals is None:
        yield row.missing or "not measured"
        return
    found, sure = row.verification, row.intervals
    yield f"{row.no_face:,}" + (f"\n{row.unreadable} can't be read" if row.unreadable else "")
    accuracy = f"{100 * found.accuracy.mean:.2f} ± {100 * found.accuracy.std:.2f}" if found.accuracy else "-"
    yield accuracy + _between(sure.accuracy, 100, 2)
    yield f"{found.auc:.4f}" + _between(sure.auc, 1, 4)
    yield f"{100 * found.eer:.2f}" + _between(sure.eer, 100, 2)
    for accepts, interval in zip(found.true_accepts, sure.true_accepts, strict=True):
        yield f"{100 * accepts.tar:.1f}" + _between(interval, 100, 1)
    yield f"{row.photos_per_second:.1f}"


def _search_text(report: Report) -> Iterator[Block]:
    row = next(row for row in report.rows if row.way == report.default)
    if row.retrieval is None or row.identification is None:
        return
    searched = row.identification
    yield Text(
        f"Rank 1, precision at 5 and mAP: {row.retrieval.photos:,} searches, with each photo of everybody "
        f"who has two or more, among all others. FNIR at a FPIR: {searched.enrolled:,} people are enrolled "
        f"with one photo each; the share of {searched.probes:,} other photos of theirs that is missed when "
        f"at most that share of {searched.strangers:,} photos of people who aren't enrolled has a hit. "
        "The threshold is drawn on these searches themselves (in-sample). A dash: too few photos of these to "
        "say."
    )


def _identification(rows: tuple[Row, ...]) -> Table:
    measured = [row.identification for row in rows if row.identification]
    rates = [misses.fpir for misses in measured[0].misses]
    header = ("way", "rank 1", "precision at 5", "mAP", *(f"FNIR at FPIR {fpir:g}" for fpir in rates))
    return Table(header, tuple(tuple(_identified(row)) for row in rows))


def _identified(row: Row) -> Iterator[str]:
    yield row.way
    if row.retrieval is None or row.identification is None:
        yield row.missing or "not measured"
        return
    found = row.retrieval
    for share in (found.rank1, found.precision_at_5, found.mean_average_precision):
        yield _share(share)
    for misses in row.identification.misses:
        yield "-" if misses.fnir is None else f"{misses.fnir:.3f}" + _between(misses.interval, 1, 3)


def _curves(report: Report) -> Iterator[Block]:
    verified = [(row.way, row.verification) for row in report.rows if row.verification]
    searched = [(row.way, row.identification) for row in report.rows if row.identification]
    first = verified[0][1]
    yield Text("DET curves: the nearer to the lower left corner, the better. A line at an axis is no error.")
    pairs = Errors(
        "pairs of two people that are accepted (FAR)",
        "pairs of one person that are rejected (FRR)",
        (0.5 / first.different, 0.5 / first.same),
        tuple(Line(way, found.det) for way, found in verified),
    )
    yield _chart("det-pairs.png", charts.error_curves(pairs, report.default), "DET curves of pairs")
    drawn = [(way, found) for way, found in searched if found.det]
    if not drawn:
        return
    sizes = drawn[0][1]
    searches = Errors(
        "searches with strangers that have a hit (FPIR)",
        "searches that miss who is enrolled (FNIR)",
        (0.5 / sizes.strangers, 0.5 / sizes.probes),
        tuple(Line(way, found.det) for way, found in drawn),
    )
    yield _chart("det-searches.png", charts.error_curves(searches, report.default), "DET curves of searches")


def _similarities(report: Report) -> Iterator[Block]:
    same, known = report.task.same, np.isfinite(report.scores)
    threshold = _threshold(report)
    one, two = report.scores[same & known], report.scores[~same & known]
    yield Text(
        f"{report.default}: cosines of the pairs. At {threshold:.3f} both errors are equally frequent "
        "(in-sample: drawn on these pairs): "
        f"{int((one < threshold).sum()):,} pairs of one person are below, "
        f"{int((two >= threshold).sum()):,} of two people are not. "
        f"{int((~known).sum()):,} pairs have no similarity, for want of a face."
    )
    drawn = charts.similarities(one, two, threshold)
    yield _chart("similarities.png", drawn, "Histograms of similarities")


def _query(report: Report) -> Iterator[Block]:
    name = report.task.name(report.query)
    hits = most_similar(report.vectors, report.query, HITS + 1)
    if not hits:
        yield Text(f"No face was found on {name}, the photo to search with.")
        return
    yield Text(
        f"The photos most similar to {name}. The original report searched LFW with "
        "Alvaro_Noboa_0001, and scored the photo itself 1, the same man 0.09 and a stranger 0.08."
    )
    yield Tiles(tuple(_tile(report, (photo,), similarity) for photo, similarity in hits))
    header = ("", *(f"way {way}" for way in report.asked), "in the report itself")
    rows = []
    for kind, reported in REPORTED:
        found = (next((one for one in ones if one.kind == kind), None) for ones in report.asked.values())
        here = (f"{one.similarity:.3f}\n{report.task.name(one.photo)}" if one else "-" for one in found)
        rows.append((kind, *here, reported))
    yield Table(header, tuple(rows))


def _mistakes(report: Report) -> Iterator[Block]:
    yield Text(
        f"{report.default}, among the pairs that were verified; each photo is shown in one pair only. Wrong: "
        f"on the wrong side of {_threshold(report):.3f}, where both errors are equally frequent."
    )
    yield Heading("The least similar pairs of one person")
    yield _worst(report, same=True)
    yield Heading("The most similar pairs of two people")
    yield _worst(report, same=False)


def _worst(report: Report, same: bool) -> Tiles:
    task, tiles = report.task, []
    for pair in worst_pairs(report.scores, task.same, task.first, task.second, same, WORST):
        score = float(report.scores[pair])
        wrong = (score >= _threshold(report)) != same
        photos = (int(task.first[pair]), int(task.second[pair]))
        tiles.append(_tile(report, photos, score, "wrong" if wrong else ""))
    return Tiles(tuple(tiles))


def _failures(report: Report) -> Iterator[Block]:
    failed = np.flatnonzero(report.failed).tolist()
    if not failed:
        yield Text(f"{report.default} found a face on every photo.")
        return
    more = f"; the first {FAILURES} are shown" if len(failed) > FAILURES else ""
    yield Text(f"{report.default} found no face on {len(failed):,} of {len(report.vectors):,} photos{more}.")
    yield Tiles(
        tuple(Tile((_photo(report, photo),), (report.task.name(photo),)) for photo in failed[:FAILURES])
    )


def _people(report: Report) -> Iterator[Block]:
    yield Text(
        f"{report.default}. Own: mean similarity of the person's photos to each other. Found: searches with "
        "each of them whose first hit is another one of them. Those in most trouble come first."
    )
    people = report.task.folder.people
    names = {number: people[photo] for photo, number in enumerate(report.task.people.tolist())}
    rows = tuple(
        (
            names[person.number],
            "-" if person.stranger is None else names[person.stranger],
            _similarity(person.similarity),
            _similarity(person.own),
            str(person.photos),
            str(person.failed),
            f"{person.found} of {person.searches}" if person.searches else "-",
        )
        for person in people_in_trouble(report.vectors, report.task.people)
    )
    header = ("person", "most similar stranger", "its similarity", "own", "photos", "without a face", "found")
    yield Table(header, rows, text=2)


def _made(report: Report) -> Iterator[Block]:
    yield Command(report.command)
    facts = {"made": report.made.isoformat(timespec="minutes"), "model": report.model_id, **report.versions}
    yield Table(("what", "which"), tuple(facts.items()), text=2)


def _threshold(report: Report) -> float:
    row = next(row for row in report.rows if row.way == report.default)
    return row.verification.eer_threshold if row.verification else math.nan


def _chart(name: str, drawn: bytes, alt: str) -> Chart:
    return Chart(Picture(name, drawn, alt))


def _tile(report: Report, photos: tuple[int, ...], similarity: float, note: str = "") -> Tile:
    names = [report.task.name(photo) for photo in photos]
    said = f"{similarity:.3f} {note}".strip()
    return Tile(tuple(_photo(report, photo) for photo in photos), (said, *names))


def _photo(report: Report, photo: int) -> Picture:
    data = _thumbnail(report.task.folder.photos[photo])
    return Picture(f"photo-{photo}.jpg", data, report.task.name(photo))


def _thumbnail(path: Path) -> bytes | None:
    """A JPEG without EXIF, upright, at most 160 pixels a side; None if the photo can't be read."""
    pixels = read(path)
    if pixels is None:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _share(share: Share) -> str:
    return f"{share.value:.3f}" + _between(share.interval, 1, 3)


def _between(interval: Interval | None, times: float, digits: int) -> str:
    """On a line of its own."""
    if interval is None:
        return ""
    return f"\n{times * interval.low:.{digits}f} to {times * interval.high:.{digits}f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def _similarity(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
