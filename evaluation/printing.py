"""What an evaluation prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from evaluation import portrait_rows
from evaluation.bars import DEFAULT, Bar
from evaluation.engine_search import EngineResult
from evaluation.original_query import REPORTED, QueryAnswer
from evaluation.portraits import PortraitRates
from evaluation.results import MethodResult
from evaluation.task import IN_SAMPLE, Task
from evaluation.vgg_knn import TRAINING_SET_NOTE, Neighbours
from faces.error_rates.identification import FALSE_POSITIVE_RATES
from faces.shown.terminal import PlainConsole


def show(task: Task, results: Sequence[MethodResult], found: EngineResult, console: PlainConsole) -> None:
    console.print(task.summary)
    if task.sample:
        console.print(IN_SAMPLE)
    if unreadable := max(result.unreadable for result in results):
        console.print(f"{unreadable} of the photos can't be read: an error of every method")
    console.print(table(results))
    console.print(f"through Elasticsearch, {DEFAULT}: {found.summary}")


def table(results: Sequence[MethodResult]) -> Table:
    sheet = Table(box=None, header_style="dim")
    rates = " / ".join(f"{fpir:g}" for fpir in FALSE_POSITIVE_RATES)
    columns = "no face", "accuracy %", "AUC", "EER %", "rank 1", "mAP", f"FNIR at FPIR {rates}", "photos/s"
    sheet.add_column("method")
    for name in columns:
        sheet.add_column(name, justify="right")
    for result in results:
        sheet.add_row(result.method, *_cells(result))
    return sheet


def show_query(
    task: Task,
    query: int,
    hits: Sequence[tuple[int, float]],
    answers: Mapping[str, Sequence[QueryAnswer]],
    console: PlainConsole,
) -> None:
    """
    Args:
        hits: positions of the most similar photos, and their similarities.
        answers: by method.
    """
    console.print()
    console.print(f"most similar to {task.name(query)}:")
    for photo, similarity in hits:
        console.print(f"  {similarity:.3f}  {task.name(photo)}")
    sheet = Table(box=None, header_style="dim")
    for name in ("", *(f"method {method}" for method in answers), "in the report itself"):
        sheet.add_column(name, justify="left" if not name else "right")
    for kind, reported in REPORTED:
        found = (next((one for one in ones if one.kind == kind), None) for ones in answers.values())
        sheet.add_row(kind, *(f"{one.similarity:.3f}" if one else "-" for one in found), reported)
    console.print(sheet)


def show_baseline(neighbours: Neighbours, console: PlainConsole) -> None:
    console.print()
    if isinstance(neighbours, str):
        console.print(f"VGG-16 + KNN: {neighbours}")
    else:
        console.print("VGG-16 + KNN: correct on its own training set, and on photos left out")
        for one in neighbours:
            shares = ("-" if share is None else f"{share:.4f}" for share in (one.training_set, one.left_out))
            console.print(f"  k = {one.k}: {', '.join(shares)}")
    console.print(TRAINING_SET_NOTE)


def show_portraits(found: Mapping[str, PortraitRates | str], console: PlainConsole) -> None:
    """found: by method."""
    for method, rates in found.items():
        console.print()
        if isinstance(rates, str):
            console.print(f"several portraits, {method}: {rates}")
            continue
        for gallery in (rates.equal, rates.mixed):
            console.print(f"several portraits, {method}: {portrait_rows.sizes(gallery)}")
            sheet = Table(box=None, header_style="dim")
            for name in portrait_rows.HEADER:
                sheet.add_column(name, justify="right")
            for row in portrait_rows.rows(gallery):
                sheet.add_row(*row)
            console.print(sheet)
        console.print(portrait_rows.ABOUT)


def show_bars(promises: Sequence[Bar], console: PlainConsole) -> None:
    if promises:
        console.print()
    for bar in promises:
        console.print(f"{bar.verdict}: {bar.promise}: {bar.measurement}, {bar.bound}")


def _cells(result: MethodResult) -> Iterator[str]:
    if result.rates is None:
        yield result.missing or ""
        return
    found, sure, retrieval = result.rates.verification, result.rates.intervals, result.rates.retrieval
    yield str(result.no_face)
    yield f"{100 * found.accuracy.mean:.2f} ± {100 * found.accuracy.std:.2f}" if found.accuracy else "-"
    yield f"{found.auc:.4f}"
    spread = f" ({100 * sure.eer.low:.2f}, {100 * sure.eer.high:.2f})" if sure.eer else ""
    yield f"{100 * found.eer:.2f}{spread}"
    yield f"{retrieval.rank1.value:.3f}"
    yield f"{retrieval.mean_average_precision.value:.3f}"
    misses = map(result.misses, FALSE_POSITIVE_RATES)
    yield " / ".join(f"{miss.fnir:.3f}" if miss else "-" for miss in misses)
    yield f"{result.photos_per_second:.1f}"
