"""The pairs that the vectors get most wrong, and the people who are found least often."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Scores, Vectors
from faces.error_rates.ranking import leave_one_out
from faces.error_rates.similarity import cosine, without_face

ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class PersonResult:
    """
    number: as in the labels.
    failed: photos without a face.
    searches: with each photo among all others, if the person has two; found: those with the person as first
        hit.
    own: mean similarity of the person's photos to each other; NaN if fewer than two have a face.
    other: the number of the most similar other person, None if there is none; similarity: of the two closest
        photos.
    """

    number: int
    photos: int
    failed: int
    searches: int
    found: int
    own: float
    other: int | None
    similarity: float


def worst_pairs(
    scores: Scores, same: Flags, first: Positions, second: Positions, wanted: bool, most: int
) -> list[int]:
    """Positions of the least similar pairs of one person (``wanted``), or of the most similar pairs of two.

    A photo is in one pair only, so that one bad photo doesn't hide the others. Pairs without a score (NaN)
    are left out.
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


def people_in_trouble(vectors: Vectors, people: People) -> list[PersonResult]:
    """All people; those whose photos are found least often first, then those most similar to others.

    Raises:
        ValueError: nobody has two photos.
    """
    count = int(people.max()) + 1
    failed = without_face(vectors)
    rankings = leave_one_out(vectors, people)
    searches = np.bincount(rankings.people, minlength=count)
    found = np.bincount(rankings.people, rankings.rank1, minlength=count)
    own, nearest, similarity = _neighbours(vectors, people)
    listed = []
    for person in range(count):
        photos = np.flatnonzero(people == person)
        with_face = photos[~failed[photos]]
        best = photos[np.argmax(similarity[photos])]
        has_other = bool(np.isfinite(similarity[best]))
        listed.append(
            PersonResult(
                number=person,
                photos=len(photos),
                failed=int(failed[photos].sum()),
                searches=int(searches[person]),
                found=int(found[person]),
                own=float(own[with_face].mean()) if len(with_face) > 1 else math.nan,
                other=int(people[nearest[best]]) if has_other else None,
                similarity=float(similarity[best]) if has_other else math.nan,
            )
        )
    return sorted(listed, key=_trouble)


def _neighbours(vectors: Vectors, people: People) -> tuple[Scores, Positions, Scores]:
    """(photos,) each: the mean similarity to the person's other photos, NaN without one; the most similar
    photo of another person, and its similarity, -inf without one."""
    own, nearest, similarity = [], [], []
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(vectors)))
        similar = cosine(vectors[rows], vectors)
        mine = people[rows][:, np.newaxis] == people[np.newaxis, :]
        of_others = np.where(mine | np.isnan(similar), -np.inf, similar)
        mine[np.arange(len(rows)), rows] = False
        counted = mine & ~np.isnan(similar)
        counts = counted.sum(axis=1)
        sums = np.where(counted, similar, 0).sum(axis=1, dtype=np.float64)
        own.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
        nearest.append(of_others.argmax(axis=1))
        similarity.append(of_others.max(axis=1))
    return np.concatenate(own), np.concatenate(nearest), np.concatenate(similarity)


def _trouble(person: PersonResult) -> tuple[float, float]:
    """People with one photo can't be found, and come last."""
    found = person.found / person.searches if person.searches else 2.0
    margin = person.similarity - (0 if math.isnan(person.own) else person.own)
    return found, math.inf if math.isnan(margin) else -margin
