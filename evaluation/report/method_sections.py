"""The sections about numbers: methods side by side, error curves, similarities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evaluation import portrait_rows
from evaluation.report.findings import Findings
from evaluation.results import MethodResult
from evaluation.vgg_knn import ABOUT, TRAINING_SET_NOTE, Neighbours
from faces.error_rates.interval import Interval
from faces.error_rates.ranking import Share
from faces.evaluating import between
from faces.reports import charts
from faces.reports.charts import Curve, Errors
from faces.reports.html_page import Block, Chart, Heading, PagePicture, Table, Text

BASELINE = "VGG-16 + KNN"


def methods(findings: Findings) -> Iterator[Block]:
    about = [(result.method, result.about) for result in findings.results]
    yield Table(("method", "what it is"), (*about, (BASELINE, ABOUT)), text=2)
    yield Heading("Do two photos show one person?")
    yield Text(
        "Accuracy: the mean of the folds ± their standard deviation, each at the threshold that is best "
        "on the others. EER: where both error rates are equal. TAR at a FAR: the share of pairs of one "
        "person that is accepted, at the threshold where at most that share of pairs of two people is. These "
        "thresholds are chosen on the same pairs (in-sample)."
    )
    yield _verification(findings)
    yield Heading("Who is on this photo?")
    yield _search_text(findings)
    yield _identification(findings)
    yield Text(f"Through Elasticsearch, {findings.default}: {findings.found.summary}.")
    yield Heading("Which label does the nearest photo have?")
    yield Text(TRAINING_SET_NOTE)
    yield _neighbours(findings.neighbours)


def curves(findings: Findings) -> Iterator[Block]:
    yield Text(
        "DET curves: the closer to the lower left corner, the better. A curve on an axis has no error of "
        "that kind."
    )
    measured = findings.measured
    first = measured[0][1].verification
    pairs = Errors(
        "pairs of two people that are accepted (FAR)",
        "pairs of one person that are rejected (FRR)",
        (0.5 / first.different, 0.5 / first.same),
        tuple(Curve(method, rates.verification.det) for method, rates in measured),
    )
    yield _chart("det-pairs.png", charts.error_curves(pairs, findings.default), "DET curves of pairs")
    searched = [(name, rates.identification) for name, rates in measured if rates.identification.det]
    if not searched:
        return
    sizes = searched[0][1]
    searches = Errors(
        "searches for unenrolled people that return someone (FPIR)",
        "searches for enrolled people that miss (FNIR)",
        (0.5 / sizes.unenrolled, 0.5 / sizes.probes),
        tuple(Curve(method, found.det) for method, found in searched),
    )
    yield _chart(
        "det-searches.png", charts.error_curves(searches, findings.default), "DET curves of searches"
    )


def similarities(findings: Findings) -> Iterator[Block]:
    same, known = findings.task.pairs.same, np.isfinite(findings.scores)
    threshold = findings.threshold
    one, two = findings.scores[same & known], findings.scores[~same & known]
    yield Text(
        f"{findings.default}: cosines of the pairs. At {threshold:.3f} both error rates are equal "
        f"(in-sample: chosen on these pairs): {int((one < threshold).sum()):,} pairs of one person are "
        f"below, and {int((two >= threshold).sum()):,} pairs of two people at or above. "
        f"{int((~known).sum()):,} pairs have no similarity, as a photo has no face."
    )
    yield _chart("similarities.png", charts.similarities(one, two, threshold), "Histograms of similarities")


def portraits(findings: Findings) -> Iterator[Block]:
    for method, rates in findings.portraits.items():
        yield Heading(method)
        if isinstance(rates, str):
            yield Text(f"{rates[0].upper()}{rates[1:]}.")
            continue
        for gallery in (rates.equal, rates.mixed):
            yield Text(f"{portrait_rows.sizes(gallery)}.")
            yield Table(portrait_rows.HEADER, tuple(portrait_rows.rows(gallery)), text=2)
        yield Text(portrait_rows.ABOUT)


def _verification(findings: Findings) -> Table:
    fars = [accepts.far for accepts in findings.rates.verification.true_accepts]
    header = ("method", "no face", "accuracy %", "AUC", "EER %", *(f"TAR % at FAR {far:g}" for far in fars))
    rows = tuple((result.method, *_verified(result)) for result in findings.results)
    return Table((*header, "photos/s"), rows)


def _verified(result: MethodResult) -> Iterator[str]:
    if result.rates is None:
        yield result.missing or ""
        return
    found, sure = result.rates.verification, result.rates.intervals
    yield f"{result.no_face:,}" + (f"\n{result.unreadable} can't be read" if result.unreadable else "")
    accuracy = f"{100 * found.accuracy.mean:.2f} ± {100 * found.accuracy.std:.2f}" if found.accuracy else "-"
    yield accuracy + _below(sure.accuracy, 100, 2)
    yield f"{found.auc:.4f}" + _below(sure.auc, 1, 4)
    yield f"{100 * found.eer:.2f}" + _below(sure.eer, 100, 2)
    for accepts, interval in zip(found.true_accepts, sure.true_accepts, strict=True):
        yield f"{100 * accepts.tar:.1f}" + _below(interval, 100, 1)
    yield f"{result.photos_per_second:.1f}"


def _search_text(findings: Findings) -> Text:
    retrieval, searched = findings.rates.retrieval, findings.rates.identification
    return Text(
        f"Rank 1, precision at 5 and mAP: {retrieval.photos:,} searches, with each photo of everybody "
        f"who has two or more, among all others. FNIR at a FPIR: {searched.enrolled:,} people are "
        f"enrolled with one photo each. FNIR is the share of {searched.probes:,} searches with their "
        f"other photos that miss, at the threshold where at most the FPIR's share of "
        f"{searched.unenrolled:,} searches for unenrolled people returns someone. The threshold is "
        "chosen on these searches (in-sample). A dash: too few searches to state the rate."
    )


def _identification(findings: Findings) -> Table:
    fpirs = [misses.fpir for misses in findings.rates.identification.misses]
    header = ("method", "rank 1", "precision at 5", "mAP", *(f"FNIR at FPIR {fpir:g}" for fpir in fpirs))
    return Table(header, tuple((result.method, *_identified(result)) for result in findings.results))


def _identified(result: MethodResult) -> Iterator[str]:
    if result.rates is None:
        yield result.missing or ""
        return
    found = result.rates.retrieval
    for share in (found.rank1, found.precision_at_5, found.mean_average_precision):
        yield _share(share)
    for misses in result.rates.identification.misses:
        yield "-" if misses.fnir is None else f"{misses.fnir:.3f}" + _below(misses.interval, 1, 3)


def _neighbours(scores: Neighbours) -> Table:
    header = (
        "method",
        "correct on its own training set (in-sample), %",
        "correct on photos left out, %",
    )
    if isinstance(scores, str):
        return Table(header, ((BASELINE, scores),))
    rows = [
        (f"{BASELINE}, k = {one.k}", _percent(one.training_set), _percent(one.left_out)) for one in scores
    ]
    return Table(header, tuple(rows))


def _chart(name: str, drawn: bytes, alt: str) -> Chart:
    return Chart(PagePicture(name, drawn, alt))


def _share(share: Share) -> str:
    return f"{share.value:.3f}" + _below(share.interval, 1, 3)


def _below(interval: Interval | None, times: float, digits: int) -> str:
    """The interval on the next line of a cell."""
    text = between(interval, times, digits)
    return text and f"\n{text}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
