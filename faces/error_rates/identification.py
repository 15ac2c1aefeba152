"""Who is on this photo, if anyone we know? FPIR and FNIR of a method, as ``search_rates`` defines them.

The gallery has one photo of each enrolled person. FNIR is that of rank 1: a search for an enrolled person
misses where the best hit isn't the person's own photo, or lies below the threshold. A tie with another
person's photo is a miss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Scores, Vectors
from faces.error_rates.bootstrap import Draws, draws_of_people, weights
from faces.error_rates.det_curve import (
    EXPECTED_AT_LEAST,
    DetCurve,
    OperatingPoint,
    supported,
    thresholds_of,
)
from faces.error_rates.interval import Interval
from faces.error_rates.ranking import Share, check_repeats
from faces.error_rates.search_rates import fnir, fpir
from faces.error_rates.similarity import Similarity, cosine, nearest, similarities, without_face

FALSE_POSITIVE_RATES = (0.1, 0.01)
PLOTTED = 200

BestHits = Callable[[Positions], tuple[Positions, Scores]]
"""(n,) photos to (n,) best hits in the gallery, -1 without one, and their similarities, -inf without one."""


@dataclass(frozen=True)
class Roles:
    """
    enrolled: (g,) the first photo of everybody who has two or more.
    probes: (p,) the other photos of these.
    unenrolled: (u,) the photos of everybody else.
    """

    enrolled: Positions
    probes: Positions
    unenrolled: Positions


@dataclass(frozen=True)
class Searches:
    """Searches for enrolled and for unenrolled people; positions are those of all photos.

    In one gallery, or in several of the same size: then a photo may be there once for each.

    enrolled: number of photos in the gallery.
    probes, people: (p,) each probe and its person.
    hits, scores: (p,) the best hit and its similarity; -1 and -inf without one.
    right: (p,) the best hit is the person's own.
    unenrolled, unenrolled_people: (u,) photos of unenrolled people that have a face, and their people.
    false_hits, false_hit_scores: (u,) their best hits, all of them wrong, and their similarities; -1 and -inf
        without one.
    not_searched: (f,) the people of unenrolled photos without a face, which are no searches. The bootstrap
        draws these people too, so that every method's draws have the same people.
    """

    enrolled: int
    probes: Positions
    people: People
    hits: Positions
    scores: Scores
    right: Flags
    unenrolled: Positions
    unenrolled_people: People
    false_hits: Positions
    false_hit_scores: Scores
    not_searched: People


@dataclass(frozen=True)
class Misses:
    """
    fpir: the highest that is allowed.
    unenrolled_needed: how many searches for unenrolled people it takes to state it. With fewer, ``fnir`` and
        ``threshold`` are None.
    fnir: at the lowest threshold that keeps to ``fpir``.
    draws: the FNIR in each draw, to be set beside another method's.
    """

    fpir: float
    unenrolled_needed: int
    fnir: float | None = None
    threshold: float | None = None
    interval: Interval | None = None
    draws: Draws = ()


@dataclass(frozen=True)
class Identification:
    """
    enrolled: number of photos in the gallery.
    probes, unenrolled: numbers of searches for enrolled and for unenrolled people.
    failed_probes: searches for enrolled people without a hit.
    failed_unenrolled: photos of unenrolled people without a face; they are no searches.
    rank1: the best hit is the person's own, whatever its similarity.
    misses: one for each stated FPIR.
    det: FPIR and FNIR for a plot, thinned; empty without searches for unenrolled people.
    """

    enrolled: int
    probes: int
    unenrolled: int
    failed_probes: int
    failed_unenrolled: int
    rank1: Share
    misses: tuple[Misses, ...]
    det: tuple[OperatingPoint, ...]


def roles(people: People) -> Roles:
    """Who is enrolled and who isn't: by the number of photos, in their order.

    Raises:
        ValueError: nobody has two photos.
    """
    check_repeats(people)
    _, first = np.unique(people, return_index=True)
    several = np.bincount(people)[people] > 1
    is_first = np.isin(np.arange(len(people)), first)
    return Roles(
        np.flatnonzero(several & is_first), np.flatnonzero(several & ~is_first), np.flatnonzero(~several)
    )


def search(vectors: Vectors, people: People, parts: Roles, similarity: Similarity = cosine) -> Searches:
    """Exact searches for enrolled and unenrolled people."""

    def best_hits(photos: Positions) -> tuple[Positions, Scores]:
        return _best_hits(vectors, people, photos, parts.enrolled, similarity)

    return searches_by(best_hits, vectors, people, parts)


def searches_by(best_hits: BestHits, vectors: Vectors, people: People, parts: Roles) -> Searches:
    """Searches for enrolled and unenrolled people by any method of search."""
    unenrolled = parts.unenrolled[~without_face(vectors[parts.unenrolled])]
    hits, scores = best_hits(parts.probes)
    false_hits, false_hit_scores = best_hits(unenrolled)
    return Searches(
        enrolled=len(parts.enrolled),
        probes=parts.probes,
        people=people[parts.probes],
        hits=hits,
        scores=scores,
        right=(hits >= 0) & (people[hits] == people[parts.probes]),
        unenrolled=unenrolled,
        unenrolled_people=people[unenrolled],
        false_hits=false_hits,
        false_hit_scores=false_hit_scores,
        not_searched=people[np.setdiff1d(parts.unenrolled, unenrolled)],
    )


def pooled(searches: Sequence[Searches]) -> Searches:
    """The searches in several galleries of the same size, as one."""
    first = searches[0]
    joined = {
        field.name: np.concatenate([getattr(one, field.name) for one in searches])
        for field in fields(first)
        if field.name != "enrolled"
    }
    return Searches(first.enrolled, **joined)


def open_set(searches: Searches, draws: int = 200, seed: int = 0) -> Identification:
    """FNIR at stated FPIRs.

    The gallery is the same in every draw of the bootstrap, since a smaller one gives fewer false hits.

    Raises:
        ValueError: no probe.
    """
    if not len(searches.probes):
        raise ValueError("there is no probe: an enrolled person needs a second photo")
    mates = np.where(searches.right, searches.scores, -np.inf)
    hits = searches.false_hit_scores
    curve = _curve(mates, hits) if len(hits) else None
    return Identification(
        enrolled=searches.enrolled,
        probes=len(mates),
        unenrolled=len(hits),
        failed_probes=int(np.sum(searches.hits < 0)),
        failed_unenrolled=len(searches.not_searched),
        rank1=Share.of(searches.right.astype(np.float64), searches.people, draws, seed),
        misses=_misses(curve, searches, mates, draws, seed),
        det=curve.thinned(PLOTTED).points() if curve else (),
    )


def _best_hits(
    vectors: Vectors, people: People, rows: Positions, columns: Positions, similarity: Similarity
) -> tuple[Positions, Scores]:
    """(rows,): position of the best hit among the columns, -1 without one, and its similarity."""
    hits, scores = [], []
    for some, similar in similarities(vectors, rows, columns, similarity):
        for photo, row in zip(some, similar, strict=True):
            at = nearest(row, people[columns] == people[photo])
            hits.append(columns[at] if at >= 0 else -1)
            scores.append(row.max())
    return np.array(hits, dtype=np.int64), np.array(scores, dtype=np.float32)


def _curve(mates: Scores, hits: Scores) -> DetCurve:
    thresholds = thresholds_of(mates, hits)
    return DetCurve(thresholds, fpir(hits, thresholds, len(hits)), fnir(mates, thresholds, len(mates)))


def _misses(
    curve: DetCurve | None, searches: Searches, mates: Scores, draws: int, seed: int
) -> tuple[Misses, ...]:
    # Searching with a photo in several galleries makes no more photos.
    photos = len(np.unique(searches.unenrolled))
    rates = [rate for rate in FALSE_POSITIVE_RATES if supported(rate, photos)]
    drawn = _drawn_misses(curve, searches, mates, rates, draws, seed) if curve else {}
    found = []
    for rate in FALSE_POSITIVE_RATES:
        needed = math.ceil(round(EXPECTED_AT_LEAST / rate, 6))
        point = curve.at(rate) if curve and rate in rates else None
        if point:
            interval = Interval.of_any(drawn[rate])
            known = tuple(None if math.isnan(miss) else miss for miss in drawn[rate])
            found.append(Misses(rate, needed, point.false_negative, point.threshold, interval, known))
        else:
            found.append(Misses(rate, needed))
    return tuple(found)


def _drawn_misses(
    curve: DetCurve, searches: Searches, mates: Scores, rates: list[float], draws: int, seed: int
) -> dict[float, list[float]]:
    """FNIR at each rate, in each draw; NaN where nobody enrolled, or nobody unenrolled, was drawn."""
    everybody = np.concatenate([searches.people, searches.unenrolled_people, searches.not_searched])
    present, numbers = np.unique(everybody, return_inverse=True)
    enrolled, unenrolled, _ = np.split(numbers, np.cumsum([len(mates), len(searches.unenrolled)]))
    found: dict[float, list[float]] = {rate: [] for rate in rates}
    for drawn in draws_of_people(len(present), draws, seed):
        of_mates, of_hits = (weights(drawn, people).astype(np.float64) for people in (enrolled, unenrolled))
        one = DetCurve(
            curve.thresholds,
            fpir(searches.false_hit_scores, curve.thresholds, of_hits.sum(), of_hits),
            fnir(mates, curve.thresholds, of_mates.sum(), of_mates),
        )
        for rate in rates:
            point = one.at(rate)
            found[rate].append(point.false_negative if point else math.nan)
    return found
