"""What is measured, and what was found: what the evaluation and its report share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.det_curve import Interval, Ratio
from faces.error_rates.identification import Identification, Misses, Positions, Retrieval
from faces.error_rates.verification import Intervals, Verification
from faces.labelled_photos import Folder
from faces.photos import readable

Labels = NDArray[np.int64]

IN_SAMPLE = "In-sample: what finds and aligns faces, and all thresholds, were chosen on these five people."
"""Of every number that is measured on the sample faces."""


@dataclass(frozen=True)
class Task:
    """What is measured.

    people: (photos,) each photo's person, as a number.
    first, second, same: (pairs,) the pairs to verify; folds: likewise, None without a protocol.
    indexed, queries: positions of the photos that are searched among, and with.
    sample: the sample faces, and not somebody's folder.
    listed: the pairs are those of a list, and not all.
    """

    folder: Folder
    people: Labels
    first: Labels
    second: Labels
    same: NDArray[np.bool_]
    folds: Labels | None
    indexed: Positions
    queries: Positions
    sample: bool
    listed: bool = False

    def name(self, photo: int) -> str:
        """``person/photo``, without its ending."""
        return f"{self.folder.people[photo]}/{readable(Path(self.folder.photos[photo].stem))}"


@dataclass(frozen=True)
class Row:
    """One way. ``missing``: why it couldn't be had; then there are no numbers."""

    way: str
    about: str
    missing: str | None = None
    photos: int = 0
    unreadable: int = 0
    no_face: int = 0
    photos_per_second: float = 0.0
    verification: Verification | None = None
    intervals: Intervals | None = None
    retrieval: Retrieval | None = None
    identification: Identification | None = None

    def misses(self, fpir: float) -> Misses | None:
        """None where there are too few strangers to say."""
        found = self.identification.misses if self.identification else ()
        return next((one for one in found if one.fpir == fpir and one.fnir is not None), None)


def eer_ratio(ours: Row, theirs: Row) -> Ratio | None:
    """EER over EER; None where a way couldn't be had."""
    if not (ours.verification and ours.intervals and theirs.verification and theirs.intervals):
        return None
    rates = (ours.verification.eer, theirs.verification.eer)
    return Ratio.of(*rates, ours.intervals.eer_draws, theirs.intervals.eer_draws)


def miss_ratio(ours: Row, theirs: Row, fpir: float) -> Ratio | None:
    """FNIR over FNIR at a FPIR; None where either isn't known."""
    own, other = ours.misses(fpir), theirs.misses(fpir)
    if own is None or other is None or own.fnir is None or other.fnir is None:
        return None
    return Ratio.of(own.fnir, other.fnir, own.draws, other.draws)


@dataclass(frozen=True)
class Bar:
    """A promise, and whether it was kept.

    interval: of ``measured``, if that has one.
    """

    promise: str
    measured: float | None
    limit: float
    at_most: bool
    interval: Interval | None = None

    @classmethod
    def of_ratio(cls, promise: str, ratio: Ratio | None, limit: float) -> Bar:
        """Of at most ``limit`` times another way's rate; not kept without a ratio."""
        if ratio is None:
            return cls(promise, None, limit, True)
        return cls(promise, ratio.value, limit, True, ratio.interval)

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        return bool(self.measured <= self.limit if self.at_most else self.measured >= self.limit)

    @property
    def said(self) -> str:
        """What was measured, with its interval: ``0.5200 (0.4500, 0.5900)``."""
        if self.measured is None:
            return "-"
        spread = f" ({self.interval.low:.4f}, {self.interval.high:.4f})" if self.interval else ""
        return f"{self.measured:.4f}{spread}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}
