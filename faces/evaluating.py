"""How good vectors are on labelled photos: verification over pairs, and searches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Vectors
from faces.error_rates.identification import Identification, Misses, open_set, roles, search
from faces.error_rates.interval import Interval
from faces.error_rates.ranking import Retrieval, leave_one_out
from faces.error_rates.similarity import Similarity, cosine, pair_scores, without_face
from faces.error_rates.verification import Intervals, Verification, intervals, verify
from faces.labelled_pairs import read_pairs
from faces.labelled_photos import Folder, FolderError
from faces.photos import readable


@dataclass(frozen=True)
class Pairs:
    """
    first, second: (pairs,) positions of the photos.
    same: (pairs,) both photos show one person.
    folds: (pairs,) numbers from 0; None without at least two.
    listed: the pairs come from a list, and aren't all pairs of the folder.
    """

    first: Positions
    second: Positions
    same: Flags
    folds: Positions | None
    listed: bool


@dataclass(frozen=True)
class ErrorRates:
    """Of the vectors of one method or model."""

    verification: Verification
    intervals: Intervals
    retrieval: Retrieval
    identification: Identification

    def misses(self, fpir: float) -> Misses | None:
        """The FNIR at that FPIR; None where there are too few searches for unenrolled people."""
        found = self.identification.misses
        return next((one for one in found if one.fpir == fpir and one.fnir is not None), None)


def list_in(folder: Path) -> Path | None:
    """The folder's own list of pairs, ``pairs.txt``, if it has one."""
    own = folder / "pairs.txt"
    return own if own.is_file() else None


def pairs_of(folder: Folder, file: Path | None) -> Pairs:
    """
    Args:
        file: a list of pairs; without one, all pairs.

    Raises:
        FolderError: the list can't be used, or lacks pairs of one person, or of two.
    """
    people = folder.labels()
    if file is None:
        first, second = np.triu_indices(len(people), 1)
        return Pairs(first, second, people[first] == people[second], None, listed=False)
    listed = read_pairs(file, folder)
    same = np.array([pair.same for pair in listed])
    if same.all() or not same.any():
        kind = "two people" if same.all() else "one person"
        raise FolderError(f"[{readable(file)}] has no pair of {kind}: error rates need pairs of both kinds")
    folds = np.array([pair.fold for pair in listed])
    return Pairs(
        first=np.array([pair.first for pair in listed]),
        second=np.array([pair.second for pair in listed]),
        same=same,
        folds=folds if folds.max() else None,
        listed=True,
    )


def measure(
    vectors: Vectors, people: People, pairs: Pairs, similarity: Similarity = cosine
) -> ErrorRates | None:
    """None where no pair has a face on both photos.

    Args:
        vectors: (photos, dims); NaN for a photo without a face.
        people: (photos,) numbers from 0, of whom one has two photos.
    """
    no_face = without_face(vectors)
    failed = no_face[pairs.first] | no_face[pairs.second]
    if failed.all():
        return None
    scores = pair_scores(vectors, pairs.first, pairs.second, similarity)
    both = people[pairs.first], people[pairs.second]
    return ErrorRates(
        verification=verify(scores, pairs.same, failed, pairs.folds),
        intervals=intervals(scores, pairs.same, failed, *both, pairs.folds),
        retrieval=leave_one_out(vectors, people, similarity).summary(),
        identification=open_set(search(vectors, people, roles(people), similarity)),
    )


def between(interval: Interval | None, times: float, digits: int) -> str:
    """``0.12 to 0.34``, each end times a factor; empty without an interval."""
    if interval is None:
        return ""
    return f"{times * interval.low:.{digits}f} to {times * interval.high:.{digits}f}"
