"""The table of what further portraits bring, as text: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation.portraits import ROUNDS, STATED_FPIR, Enrolment, PortraitGallery
from faces.error_rates.identification import FALSE_POSITIVE_RATES
from faces.error_rates.interval import Interval
from faces.error_rates.ratio import Ratio

ABOUT = (
    "best: a person is as similar as their best portrait; mean: as the mean of their portraits' vectors. "
    "Ratios of FNIR, over one portrait and over the best portrait, are at "
    f"FPIR {STATED_FPIR:g}; the last column is at the threshold at which one portrait a person has it."
)
HEADER = (
    "portraits",
    "by",
    "rank 1",
    f"FNIR at FPIR {' / '.join(f'{rate:g}' for rate in FALSE_POSITIVE_RATES)}",
    "over one",
    "over best",
    "FPIR / FNIR there",
)


def sizes(gallery: PortraitGallery) -> str:
    return (
        f"{gallery.people:,} people enrolled; {gallery.probes:,} searches for them and "
        f"{gallery.strangers:,} for others in each of {ROUNDS} draws of the portraits"
    )


def rows(gallery: PortraitGallery) -> list[tuple[str, ...]]:
    return [tuple(_cells(row)) for row in gallery.rows]


def _cells(row: Enrolment) -> Iterator[str]:
    yield row.portraits
    yield row.template if row.over_one else "-"
    yield f"{row.found.rank1.value:.4f}"
    yield " / ".join("-" if misses.fnir is None else f"{misses.fnir:.4f}" for misses in row.found.misses)
    at = FALSE_POSITIVE_RATES.index(STATED_FPIR)
    yield _ratio(row.over_one[at] if row.over_one else None)
    yield _ratio(row.over_best[at] if row.over_best else None)
    yield f"{row.shared.fpir:.4f} / {row.shared.fnir:.4f}" if row.shared else "-"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None or ratio.value is None:
        return "-"
    return f"{ratio.value:.2f}{_spread(ratio.interval)}"


def _spread(interval: Interval | None) -> str:
    return f" ({interval.low:.2f}, {interval.high:.2f})" if interval else ""
