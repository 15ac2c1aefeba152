"""The similarity for a stated rate of false hits in a search, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from faces.error_rates.arrays import Rates, Scores
from faces.error_rates.bootstrap import Counts, drawn_shares, draws_of_people
from faces.error_rates.errors import CalibrationError
from faces.error_rates.false_hits import find_false_hits
from faces.error_rates.interval import Interval
from faces.error_rates.labelled_vectors import LabelledVectors, Numbers

FEWEST_FALSE_HITS = 10
"""A threshold must be based on at least so many: a rate from 10 events has a standard error of a third,
1/sqrt(10)."""
FEWEST_INDEPENDENT = 4
"""Their smallest effective sample: photos of one person hit the same others. A standard error of a half."""

_DRAWS = 500  # of the bootstrap
_ERRORS_KEPT = 7  # false hits are kept up to so many standard errors beyond the rate, for the bootstrap


@dataclass(frozen=True)
class SearchThreshold:
    """The similarity for a stated FPIR, and what it is based on.

    similarity: cosine; a hit is a similarity at or above it.
    fpir: as asked for, 0 to 1; fpir_interval: of the true rate at ``similarity``.
    gallery_size: faces searched, one a person.
    fnir: share of searches for an enrolled person, one photo enrolled, that miss at ``similarity``.
    people, photos: all that were given; failed: photos without a face. Each other photo is one search for an
        unenrolled person.
    false_hits: expected in these searches, as in `supported_false_hits`.
    independent: their effective sample, by Kish's number over pairs of people, (sum p)^2 / sum p^2 of their
        parts p: photos of one person hit the same others.
    """

    similarity: float
    interval: Interval
    fpir: float
    fpir_interval: Interval
    gallery_size: int
    fnir: float
    fnir_interval: Interval
    people: int
    photos: int
    failed: int
    false_hits: float
    independent: float


def search_threshold(
    vectors: Scores, people: ArrayLike, fpir: float, gallery_size: int, seed: int = 0
) -> SearchThreshold:
    """The lowest similarity with false hits in at most ``fpir`` of the searches over ``gallery_size`` faces.

    Each photo with a face is a search for an unenrolled person among all other people, one photo of each
    (drawn anew in several rounds). Up to as many people as there are, the rate is the mean over all galleries
    of exactly ``gallery_size`` of them. A larger gallery is treated as several independent ones of that many
    people: FPIR_N = 1 - (1 - FPIR_G)^(N/G), which is too high rather than too low where people differ in how
    often they hit (Jensen's inequality). No tail is fitted.

    Args:
        vectors: (n, dims), of any length; NaN where a photo failed.
        people: (n,) who is on each photo.
        fpir: above 0, below 1.
        gallery_size: faces in the gallery, one a person.
        seed: of the photos enrolled and of the bootstrap; equal input and seed give an equal result.

    Raises:
        CalibrationError: the photos don't support it; the message says what is missing.
    """
    faces = LabelledVectors.of(vectors, people)
    expected = require_support(faces, fpir, gallery_size)
    generator = np.random.default_rng(seed)
    galleries = max(1.0, gallery_size / faces.others)
    rate = 1 - (1 - fpir) ** (1 / galleries)
    beyond = 1 + _ERRORS_KEPT * math.sqrt(3 / min(expected, faces.people))
    hits = find_false_hits(faces, min(gallery_size, faces.others), rate * beyond, generator)
    similarity = hits.threshold(rate)
    at_least = hits.at_least(similarity)
    independent = _require_independent(faces, at_least.pairs(), fpir, gallery_size)

    missed = faces.missed(similarity)
    draws = list(draws_of_people(faces.people, _DRAWS, generator))
    rates = np.array([at_least.drawn_rate(faces, drawn) for drawn in draws])
    return SearchThreshold(
        similarity=similarity,
        interval=Interval.of(hits.drawn_threshold(faces, drawn, rate) for drawn in draws),
        fpir=fpir,
        fpir_interval=Interval.of(1 - (1 - np.minimum(rates, 1)) ** galleries),
        gallery_size=gallery_size,
        fnir=float(missed.sum() / faces.sought.sum()),
        fnir_interval=_miss_interval(missed, faces.sought, draws),
        people=faces.people,
        photos=faces.total,
        failed=faces.total - len(faces.vectors),
        false_hits=expected,
        independent=independent,
    )


def require_support(faces: LabelledVectors, fpir: float, gallery_size: int) -> float:
    """How many false hits the photos are expected to show, by ``supported_false_hits``.

    Raises:
        CalibrationError: too few; the message says how many more photos or people are needed.
    """
    if not 0 < fpir < 1:
        raise ValueError(f"fpir is [{fpir}], not between 0 and 1")
    if gallery_size < 1:
        raise ValueError(f"gallery_size is [{gallery_size}], not 1 or more")
    faces.check()
    expected = supported_false_hits(len(faces.vectors), faces.enrolled, fpir, gallery_size)
    if expected < FEWEST_FALSE_HITS:
        raise CalibrationError(_too_few(faces, fpir, gallery_size, expected))
    return expected


def supported_false_hits(photos: int, enrolled: int, fpir: float, gallery_size: int) -> float:
    """How many false hits the photos are expected to show at the similarity for ``fpir``.

    Of all comparisons of a photo with another person's enrolled one, the share that hits is
    -ln(1 - FPIR) / N, from FPIR = 1 - (1 - FMR)^N where FMR is small. Enrolled photos are compared with each
    other in both directions, and such a pair counts once.
    """
    comparisons = (photos - enrolled / 2) * (enrolled - 1)
    return comparisons * -math.log1p(-fpir) / gallery_size


def _miss_interval(missed: Rates, sought: Numbers, draws: Sequence[Counts]) -> Interval:
    """Of the share of searches that miss, from both (people,). Where none misses, the upper end is the rate
    with which n people show no miss in 5 % of cases, 1 - 0.05^(1/n), about 3 / n."""
    if not missed.any():
        return Interval(0.0, float(1 - 0.05 ** (1 / (sought > 0).sum())))
    return Interval.of(drawn_shares(missed, sought, draws))


def _too_few(faces: LabelledVectors, fpir: float, gallery_size: int, expected: float) -> str:
    missing = FEWEST_FALSE_HITS / expected
    more_people = math.ceil(faces.people * (math.sqrt(missing) - 1))
    text = (
        f"an FPIR of {fpir:g} in a search over {_count(gallery_size, 'face')}: {len(faces.vectors):,} photos "
        f"with a face, of {faces.enrolled:,} people, would show {expected:.2g} false hits; "
        f"{FEWEST_FALSE_HITS} are needed. Add about {_count(more_people, 'person', 'people')} with as many "
        "photos each"
    )
    largest = min(math.floor(gallery_size / missing), faces.others)
    return text + (f", or ask for at most {_count(largest, 'face')}" if largest else "")


def _count(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _require_independent(faces: LabelledVectors, pairs: Rates, fpir: float, gallery_size: int) -> float:
    """The effective sample of the false hits of these pairs: photos of one person hit the same others.

    Raises:
        CalibrationError: it is too small; or ``gallery_size`` exceeds the people at hand, and the false hits
            are of fewer than ``FEWEST_FALSE_HITS`` pairs.
    """
    independent = float(pairs.sum() ** 2 / (pairs**2).sum())
    beyond = gallery_size > faces.others
    effective, needed = independent, FEWEST_INDEPENDENT
    if beyond and len(pairs) < FEWEST_FALSE_HITS:
        effective, needed = len(pairs), FEWEST_FALSE_HITS
    if effective >= needed:
        return independent
    more = math.ceil(faces.enrolled * (math.sqrt(needed / effective) - 1))
    raise CalibrationError(
        f"an FPIR of {fpir:g} in a search over {_count(gallery_size, 'face')}"
        f"{f', more than the {faces.others:,} other people in the folder' if beyond else ''}: the false hits "
        f"come from {_count(len(pairs), 'pair')} of people (effective sample: {effective:.2g}, needed: "
        f"{needed}). Add about {_count(more, 'person', 'people')}; more photos of these people don't help"
    )
