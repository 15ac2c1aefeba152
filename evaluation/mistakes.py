"""Where the vectors go wrong: which pairs, and whose photos."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.det_curve import People, Scores
from faces.error_rates.identification import Positions, Vectors, cosine, leave_one_out

ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Person:
    """
    number: as in the labels.
    failed: photos without a face.
    searches: with each photo among all others, if the person has two; found: those whose first hit is right.
    own: mean similarity of the person's photos to each other; nan if fewer than two have a face.
    stranger: the number of the most similar other person, and how similar they are; None if none has a face.
    """

    number: int
    photos: int
    failed: int
    searches: int
    found: int
    own: float
    stranger: int | None
    similarity: float


def worst_pairs(
    scores: Scores, same: NDArray[np.bool_], first: Positions, second: Positions, wanted: bool, most: int
) -> list[int]:
    """Positions of the least similar pairs of one person (``wanted``), or of the most similar pairs of two.

    A photo is in one of them only, so that one bad photo doesn't hide the others. Pairs without a score (NaN)
    aren't among them.
    """
    pairs = np.flatnonzero((same == wanted) & np.isfinite(scores))
    order = np.argsort(scores[pairs] if wanted else -scores[pairs], kind="stable")
    seen: set[int] = set()
    worst: list[int] = []
    for pair in pairs[order].tolist():
        photos = {int(first[pair]), int(second[pair])}
        if seen.isdisjoint(photos):
            worst.append(pair)
            seen |= photos
        if len(worst) == most:
            break
    return worst


def people_in_trouble(vectors: Vectors, people: People) -> list[Person]:
    """Everybody; those whose photos are found least often come first, then those who are most like others.

    Raises:
        ValueError: nobody has two photos.
    """
    count = int(people.max()) + 1
    failed = np.isnan(vectors).any(axis=1)
    rankings = leave_one_out(vectors, people)
    searches = np.bincount(rankings.people, minlength=count)
    found = np.bincount(rankings.people, rankings.rank1, minlength=count)
    own, nearest, similarity = _neighbours(vectors, people)
    listed = []
    for person in range(count):
        photos = np.flatnonzero(people == person)
        with_face = photos[~failed[photos]]
        best = photos[np.argmax(similarity[photos])]
        has_stranger = bool(np.isfinite(similarity[best]))
        listed.append(
            Person(
                number=person,
                photos=len(photos),
                failed=int(failed[photos].sum()),
                searches=int(searches[person]),
                found=int(found[person]),
                own=float(own[with_face].mean()) if len(with_face) > 1 else math.nan,
                stranger=int(people[nearest[best]]) if has_stranger else None,
                similarity=float(similarity[best]) if has_stranger else math.nan,
            )
        )
    return sorted(listed, key=_trouble)


def _neighbours(vectors: Vectors, people: People) -> tuple[Scores, Positions, Scores]:
    """(photos,) mean similarity to the person's other photos; the most similar stranger's photo, and how
    similar it is; nan and -inf where there is none."""
    own, nearest, similarity = [], [], []
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(vectors)))
        similar = cosine(vectors[rows], vectors)
        mine = people[rows][:, np.newaxis] == people[np.newaxis, :]
        strange = np.where(mine | np.isnan(similar), -np.inf, similar)
        mine[np.arange(len(rows)), rows] = False
        counted = mine & ~np.isnan(similar)
        counts = counted.sum(axis=1)
        sums = np.where(counted, similar, 0).sum(axis=1, dtype=np.float64)
        own.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
        nearest.append(strange.argmax(axis=1))
        similarity.append(strange.max(axis=1))
    return np.concatenate(own), np.concatenate(nearest), np.concatenate(similarity)


def _trouble(person: Person) -> tuple[float, float]:
    """Somebody with one photo can't be found, and comes last."""
    found = person.found / person.searches if person.searches else 2.0
    margin = person.similarity - (0 if math.isnan(person.own) else person.own)
    return found, math.inf if math.isnan(margin) else -margin
