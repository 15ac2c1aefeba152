"""What may be wrong: a face with another person's name, a person with two names, a photo indexed twice.

All similarities are cosines, -1 to 1. Faces are compared in blocks, so memory grows with their number alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.copies.fingerprints import SAME_PHOTO_BITS
from faces.error_rates.arrays import Scores, Vectors
from faces.error_rates.similarity import normalized
from faces.explore.index_faces import IndexFaces

ROWS_AT_ONCE = 512
FEWEST = 3
"""Faces that a person needs for one of them to be judged."""


@dataclass(frozen=True)
class Outlier:
    """A face that is unlike the others of its person. Faces are positions in ``IndexFaces``.

    own: mean similarity to the person's other faces; usual: the median of this over all the person's faces.
    typical: the person's face that is most similar to the others.
    other: the other person that it is closest to, None if there is none; similarity: the mean to all their
    faces; closest: the most similar of these.
    """

    face: int
    name: str
    own: float
    usual: float
    typical: int
    other: str | None
    similarity: float
    closest: int | None

    @property
    def score(self) -> float:
        """How far its similarity to its person is below the usual one, or below that to the other person,
        whichever is more."""
        return max(self.usual, self.similarity) - self.own


@dataclass(frozen=True)
class NearDuplicate:
    """Two faces of different names that match, as positions in ``IndexFaces``."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class SamePhoto:
    """One photo in two documents: the first face of each, as a position in ``IndexFaces``.

    bits: in which the fingerprints differ; same_file: the files are identical.
    conflict: both have names, and not the same ones.
    """

    first: int
    second: int
    bits: int
    same_file: bool
    conflict: bool


def outliers(faces: IndexFaces) -> list[Outlier]:
    """Faces whose name may be wrong, as they are unlike their person's others. Worst first, by
    ``Outlier.score``.

    A face is an outlier when its mean similarity to its person's other faces is less than half of the usual
    one (the median over the person's faces), or less than half of its mean similarity to another person's
    faces. Means, because a second wrong face of the same person would be close to it; half, because the faces
    of a person with two names, or with a double, are often a little closer to the other name.
    """
    people, names, unit = faces.people(), faces.names, normalized(faces.vectors)
    counts = np.bincount(people[people >= 0], minlength=len(names))
    sums = np.zeros((len(names), unit.shape[1]), dtype=np.float64)
    np.add.at(sums, people[people >= 0], unit[people >= 0])
    judged = np.flatnonzero(np.isin(people, np.flatnonzero(counts >= FEWEST)))
    if not len(judged):
        return []
    # A face's similarities to others sum to its product with their sum. Its similarity to itself is 1.
    own = np.full(len(people), np.nan)
    products = np.einsum("fd,fd->f", unit[judged], sums[people[judged]])
    own[judged] = (products - 1) / (counts[people[judged]] - 1)
    usual, typical = {}, {}
    for person in np.unique(people[judged]).tolist():
        mine = np.flatnonzero(people == person)
        usual[person], typical[person] = float(np.median(own[mine])), int(mine[np.argmax(own[mine])])
    others, similarity = _closest_others(unit, people, sums / counts[:, np.newaxis], judged)
    found = []
    for face, other, closeness in zip(judged.tolist(), others.tolist(), similarity.tolist(), strict=True):
        person = int(people[face])
        if own[face] < max(usual[person], closeness) / 2:
            theirs = np.flatnonzero(people == other) if np.isfinite(closeness) else None
            found.append(
                Outlier(
                    face=face,
                    name=names[person],
                    own=float(own[face]),
                    usual=usual[person],
                    typical=typical[person],
                    other=None if theirs is None else names[other],
                    similarity=closeness,
                    closest=None if theirs is None else int(theirs[np.argmax(unit[theirs] @ unit[face])]),
                )
            )
    return sorted(found, key=lambda outlier: -outlier.score)


def near_duplicates(faces: IndexFaces, threshold: float) -> list[NearDuplicate]:
    """Faces of different names that match: one person with two names, or a wrong name.

    Each face is paired with the most similar face of another name, if that reaches ``threshold``. The
    most similar come first; a face is in one pair only, so that one wrong name doesn't fill the list.
    """
    people, unit = faces.people(), normalized(faces.vectors)
    named = np.flatnonzero(people >= 0)
    pairs = set()
    for start in range(0, len(named), ROWS_AT_ONCE):
        rows = named[start : start + ROWS_AT_ONCE]
        similar = unit[rows] @ unit[named].T
        similar[people[rows][:, np.newaxis] == people[named][np.newaxis, :]] = -np.inf
        best, highest = named[similar.argmax(axis=1)], similar.max(axis=1)
        for one, other, found in zip(rows.tolist(), best.tolist(), highest.tolist(), strict=True):
            if found >= threshold:
                pairs.add(NearDuplicate(min(one, other), max(one, other), round(found, 6)))
    seen: set[int] = set()
    kept = []
    for pair in sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)):
        if seen.isdisjoint((pair.first, pair.second)):
            kept.append(pair)
            seen |= {pair.first, pair.second}
    return kept


def same_photos(faces: IndexFaces, bits: int = SAME_PHOTO_BITS) -> list[SamePhoto]:
    """Photos in two documents, whose fingerprints differ in at most ``bits`` bits.

    Each copy is paired with the first document of the photo. Conflicts of names come first, then the fewest
    differing bits.
    """
    firsts: dict[tuple[str, str], int] = {}
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for position, face in enumerate(faces.faces):
        if face.fingerprint is not None:
            key = face.index, face.document
            firsts.setdefault(key, position)
            named[key] |= {face.name} if face.name else set()
    keys, signs = list(firsts), _signs([faces.faces[first].fingerprint or "" for first in firsts.values()])
    found = []
    copies: set[int] = set()
    for start in range(0, len(keys), ROWS_AT_ONCE):
        # Two rows of 1 and -1 have the product 64, less two for each bit that differs.
        differing = (signs.shape[1] - signs[start : start + ROWS_AT_ONCE] @ signs.T) / 2
        for row, other in np.argwhere(differing <= bits).tolist():
            one = start + row
            if one < other and copies.isdisjoint((one, other)):
                copies.add(other)
                first, second = firsts[keys[one]], firsts[keys[other]]
                on_both = (named[keys[one]], named[keys[other]])
                found.append(
                    SamePhoto(
                        first=first,
                        second=second,
                        bits=int(differing[row, other]),
                        same_file=faces.faces[first].sha256 == faces.faces[second].sha256,
                        conflict=all(on_both) and on_both[0] != on_both[1],
                    )
                )
    return sorted(found, key=lambda copies: (not copies.conflict, copies.bits, not copies.same_file))


def _closest_others(
    unit: Vectors, people: NDArray[np.int64], means: NDArray[np.float64], judged: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Scores]:
    """(judged,): the other person with the highest mean similarity, and that; -inf if there is none."""
    others, similarity = [], []
    for start in range(0, len(judged), ROWS_AT_ONCE):
        rows = judged[start : start + ROWS_AT_ONCE]
        similar = unit[rows] @ means.T
        similar[np.arange(len(rows)), people[rows]] = -np.inf
        others.append(similar.argmax(axis=1))
        similarity.append(similar.max(axis=1))
    return np.concatenate(others), np.concatenate(similarity)


def _signs(fingerprints: list[str]) -> NDArray[np.float32]:
    """(n, 64): 1 or -1 for each bit."""
    packed = np.frombuffer(bytes.fromhex("".join(fingerprints)), dtype=np.uint8).reshape(-1, 8)
    signs: NDArray[np.float32] = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    return signs
