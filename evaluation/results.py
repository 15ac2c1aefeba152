"""What is measured, and what was found: what the evaluation and its report share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_setup.calibration.folders import Folder
from es_setup.photos import readable
from evaluation.identification import Identification, Positions, Retrieval
from evaluation.verification import Intervals, Verification

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """What is measured.

    people: (photos,) each photo's person, as a number.
    first, second, same: (pairs,) the pairs to verify; folds: likewise, None without a protocol.
    indexed, queries: positions of the photos that are searched among, and with.
    sample: the sample faces, and not somebody's folder.
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

    def fnir(self, fpir: float) -> float | None:
        misses = self.identification.misses if self.identification else ()
        return next((one.fnir for one in misses if one.fpir == fpir), None)


@dataclass(frozen=True)
class Bar:
    """A promise, and whether it was kept."""

    promise: str
    measured: float | None
    limit: float
    at_most: bool

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        return bool(self.measured <= self.limit if self.at_most else self.measured >= self.limit)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}
