"""Who is on this photo? What searches with labelled photos say about that.

A photo on which no face was found is a row of NaN. It finds nobody and nobody finds it: a search with it is a
miss, and so is it for its person's other photos; a stranger's raises no alarm. A tie with somebody else is a
miss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.det_curve import (
    EXPECTED_AT_LEAST,
    Curve,
    Draws,
    Interval,
    People,
    Point,
    Rates,
    Resampled,
    Scores,
    draws_of_people,
    supported,
)

FALSE_POSITIVE_RATES = (0.1, 0.01)
PLOTTED = 200
AT_ONCE = 512
"""Searches whose similarities are in memory together."""

Vectors = NDArray[np.float32]
Positions = NDArray[np.integer[Any]]
Similarity = Callable[[Vectors, Vectors], Scores]
"""Of (n, dims) and (m, dims): (n, m), the higher the more alike."""


@dataclass(frozen=True)
class Share:
    """A mean over searches, and its interval from a bootstrap over people."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Retrieval:
    """
    photos: searched with, each among all others; failed: those of them without a face.
    rank1: the first hit is of the same person.
    precision_at_5: of the first 5 hits, or as many as there are other photos of the person.
    mean_average_precision: over all other photos of the person.
    """

    photos: int
    failed: int
    rank1: Share
    precision_at_5: Share
    mean_average_precision: Share


@dataclass(frozen=True)
class Rankings:
    """
    photos: (n,) positions of the photos searched with.
    people: (n,) their people.
    nearest: (n,) position of the most similar other photo; -1 without a face.
    failed: (n,) no face was found.
    rank1, precision_at_5, average_precision: (n,) of each search, 0 to 1.
    """

    photos: Positions
    people: People
    nearest: Positions
    failed: NDArray[np.bool_]
    rank1: Rates
    precision_at_5: Rates
    average_precision: Rates

    def summary(self, draws: int = 200, seed: int = 0) -> Retrieval:
        """With the same photos to be found in every draw: only whose searches count is drawn."""
        shares = (
            _share(values, self.people, draws, seed)
            for values in (self.rank1, self.precision_at_5, self.average_precision)
        )
        return Retrieval(len(self.photos), int(self.failed.sum()), *shares)


@dataclass(frozen=True)
class Roles:
    """
    enrolled: (g,) the first photo of everybody who has two or more.
    probes: (p,) the other photos of these.
    strangers: (s,) the photos of everybody else.
    """

    enrolled: Positions
    probes: Positions
    strangers: Positions


@dataclass(frozen=True)
class Searches:
    """Of probes and of strangers in one gallery; positions are those of all photos, -1 without a hit.

    enrolled: number of photos in the gallery.
    probes, people: (p,) each probe and its person.
    hits, scores: (p,) the first hit and its similarity, -inf without one.
    right: (p,) the first hit is the person's own.
    strangers, stranger_people, alarms, alarm_scores: (s,) the same of strangers, whose every hit is wrong.
    """

    enrolled: int
    probes: Positions
    people: People
    hits: Positions
    scores: Scores
    right: NDArray[np.bool_]
    strangers: Positions
    stranger_people: People
    alarms: Positions
    alarm_scores: Scores


@dataclass(frozen=True)
class Misses:
    """
    fpir: the share of strangers' searches that may have a hit, at most.
    fnir: the share of probes whose own photo isn't the first hit or lies below the threshold.
    fnir and threshold are None where ``strangers_needed`` is more than there are.
    draws: the FNIR in each draw, to set beside another way's.
    """

    fpir: float
    strangers_needed: int
    fnir: float | None = None
    threshold: float | None = None
    interval: Interval | None = None
    draws: Draws = ()


@dataclass(frozen=True)
class Identification:
    """
    enrolled, probes, strangers: numbers of photos.
    failed_probes, failed_strangers: of searches without a hit.
    rank1: the first hit is the person's own, whatever its similarity.
    misses: one for each rate of false positives.
    det: FPIR and FNIR for a plot, thinned; empty without strangers.
    """

    enrolled: int
    probes: int
    strangers: int
    failed_probes: int
    failed_strangers: int
    rank1: Share
    misses: tuple[Misses, ...]
    det: tuple[Point, ...]


def cosine(some: Vectors, others: Vectors) -> Scores:
    """(n, dims) and (m, dims) to (n, m)."""
    similar: Scores = normalized(some) @ normalized(others).T
    return similar


def normalized(vectors: Vectors) -> Vectors:
    """(n, dims), each of length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def leave_one_out(vectors: Vectors, people: People, similarity: Similarity = cosine) -> Rankings:
    """A search with each photo of everybody who has two or more, among all other photos.

    vectors: (photos, dims); people: (photos,) numbers from 0.

    Raises:
        ValueError: nobody has two photos.
    """
    _check_repeats(people)
    photos = np.flatnonzero(np.bincount(people)[people] > 1)
    found = []
    for rows, similar in _similarities(vectors, photos, np.arange(len(people)), similarity):
        similar[np.arange(len(rows)), rows] = -np.inf
        for photo, row in zip(rows, similar, strict=True):
            own = people == people[photo]
            own[photo] = False
            found.append((_nearest(row, own), *scores_of_ranks(_ranks(row, own))))
    nearest, rank1, precision, average = map(np.array, zip(*found, strict=True))
    failed = np.isnan(vectors[photos]).any(axis=1)
    return Rankings(photos, people[photos], nearest, failed, rank1, precision, average)


def scores_of_ranks(ranks: Rates) -> tuple[float, float, float]:
    """Rank 1, precision at 5 and average precision of one search.

    ranks: (n,) of everything that should be found, from 1; inf for what wasn't.
    """
    ordered = np.sort(ranks)
    within = min(5, len(ordered))
    average = float(np.mean(np.arange(1, len(ordered) + 1) / ordered))
    return float(ordered[0] == 1), float(np.sum(ordered <= within)) / within, average


def roles(people: People) -> Roles:
    """Who is enrolled, searches, or is a stranger: by number of photos, in their order.

    Raises:
        ValueError: nobody has two photos.
    """
    _check_repeats(people)
    _, first = np.unique(people, return_index=True)
    several = np.bincount(people)[people] > 1
    is_first = np.isin(np.arange(len(people)), first)
    return Roles(
        np.flatnonzero(several & is_first), np.flatnonzero(several & ~is_first), np.flatnonzero(~several)
    )


def search(vectors: Vectors, people: People, parts: Roles, similarity: Similarity = cosine) -> Searches:
    """Exact searches with the probes and the strangers among the enrolled, each of whom has one photo."""
    hits, scores, right = _first_hits(vectors, people, parts.probes, parts.enrolled, similarity)
    alarms, alarm_scores, _ = _first_hits(vectors, people, parts.strangers, parts.enrolled, similarity)
    return Searches(
        len(parts.enrolled),
        *(parts.probes, people[parts.probes], hits, scores, right),
        *(parts.strangers, people[parts.strangers], alarms, alarm_scores),
    )


def open_set(searches: Searches, draws: int = 200, seed: int = 0) -> Identification:
    """Misses at stated rates of false positives (FNIR and FPIR of ISO/IEC 19795-1, of the first hit).

    The gallery is the same in every draw of the bootstrap, for a smaller one raises fewer alarms.

    Raises:
        ValueError: no probe.
    """
    if not len(searches.probes):
        raise ValueError("there is no probe: somebody who is enrolled has to have a second photo")
    own = np.where(searches.right, searches.scores, -np.inf)
    strange = searches.alarm_scores
    curve = Curve.of(own, strange) if len(strange) else None
    return Identification(
        enrolled=searches.enrolled,
        probes=len(own),
        strangers=len(strange),
        failed_probes=int(np.sum(searches.hits < 0)),
        failed_strangers=int(np.sum(searches.alarms < 0)),
        rank1=_share(searches.right.astype(np.float64), searches.people, draws, seed),
        misses=_misses(curve, searches, own, draws, seed),
        det=curve.thinned(PLOTTED).points() if curve else (),
    )


def _check_repeats(people: People) -> None:
    if not (np.bincount(people) > 1).any():
        raise ValueError("nobody has two photos: there is nothing that a search should find")


def _similarities(
    vectors: Vectors, rows: Positions, columns: Positions, similarity: Similarity
) -> Iterator[tuple[Positions, Scores]]:
    """Some rows at a time, (r,) positions and (r, columns); -inf where a face is missing."""
    has_face = ~np.isnan(vectors).any(axis=1)
    known = np.flatnonzero(has_face[columns])
    gallery = vectors[columns[known]]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        searching = np.flatnonzero(has_face[some])
        similar = np.full((len(some), len(columns)), -np.inf, dtype=np.float32)
        if len(searching) and len(known):
            similar[np.ix_(searching, known)] = similarity(vectors[some[searching]], gallery)
        yield some, similar


def _nearest(similar: Scores, own: NDArray[np.bool_]) -> int:
    """Of a tie the wrong one."""
    best = np.flatnonzero(similar == similar.max())
    if similar[best[0]] == -np.inf:
        return -1
    return int(best[np.argmin(own[best])])


def _ranks(similar: Scores, own: NDArray[np.bool_]) -> Rates:
    """(own,): from 1, behind all others that are as similar; inf for what isn't found."""
    right, wrong = np.sort(similar[own])[::-1], np.sort(similar[~own])
    ahead = len(wrong) - np.searchsorted(wrong, right, side="left")
    return np.where(right == -np.inf, np.inf, np.arange(1, len(right) + 1) + ahead)


def _first_hits(
    vectors: Vectors, people: People, rows: Positions, columns: Positions, similarity: Similarity
) -> tuple[Positions, Scores, NDArray[np.bool_]]:
    """(rows,): position of the first hit, its similarity, and whether it is the person's own."""
    hits, scores = [], []
    for some, similar in _similarities(vectors, rows, columns, similarity):
        for photo, row in zip(some, similar, strict=True):
            at = _nearest(row, people[columns] == people[photo])
            hits.append(columns[at] if at >= 0 else -1)
            scores.append(row.max())
    found = np.array(hits, dtype=np.int64)
    return found, np.array(scores, dtype=np.float32), (found >= 0) & (people[found] == people[rows])


def _misses(
    curve: Curve | None, searches: Searches, own: Scores, draws: int, seed: int
) -> tuple[Misses, ...]:
    rates = [fpir for fpir in FALSE_POSITIVE_RATES if supported(fpir, len(searches.strangers))]
    drawn = _drawn_misses(curve, searches, own, rates, draws, seed) if curve else {}
    found = []
    for fpir in FALSE_POSITIVE_RATES:
        needed = math.ceil(round(EXPECTED_AT_LEAST / fpir, 6))
        point = curve.at(fpir) if curve and fpir in rates else None
        if point:
            interval = Interval.of(drawn[fpir])
            draws_of_it = tuple(None if math.isnan(miss) else miss for miss in drawn[fpir])
            found.append(Misses(fpir, needed, point.false_negative, point.threshold, interval, draws_of_it))
        else:
            found.append(Misses(fpir, needed))
    return tuple(found)


def _drawn_misses(
    curve: Curve, searches: Searches, own: Scores, rates: list[float], draws: int, seed: int
) -> dict[float, list[float]]:
    """FNIR at each rate, in each draw of people that has some who are enrolled and some who aren't."""
    everybody = np.concatenate([searches.people, searches.stranger_people])
    present, numbers = np.unique(everybody, return_inverse=True)
    probes = Resampled.of(curve.thresholds, own, numbers[: len(own)])
    strangers = Resampled.of(curve.thresholds, searches.alarm_scores, numbers[len(own) :])
    found: dict[float, list[float]] = {rate: [] for rate in rates}
    for drawn in draws_of_people(len(present), draws, seed):
        one = Curve(curve.thresholds, strangers.accepted(drawn), 1 - probes.accepted(drawn))
        for rate in rates:
            point = one.at(rate)
            found[rate].append(point.false_negative if point else math.nan)
    return found


def _share(values: Rates, people: People, draws: int, seed: int) -> Share:
    present, numbers = np.unique(people, return_inverse=True)
    sums, counts = np.bincount(numbers, values), np.bincount(numbers)
    drawn = [
        float(often @ sums) / float(often @ counts) for often in draws_of_people(len(present), draws, seed)
    ]
    return Share(float(values.mean()), Interval.of(drawn))
