"""The similarity for a stated rate of false hits in a search, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faces.error_rates.errors import CalibrationError
from faces.error_rates.false_hits import Parts, find_alarms
from faces.error_rates.labelled_vectors import Faces, Floats, Numbers

FEWEST_FALSE_HITS = 10
"""What a threshold must rest on: a rate from 10 events has a standard error of a third, 1/sqrt(10)."""
FEWEST_INDEPENDENT = 4
"""Of these, as if each were of two people of its own: photos of one person hit the same others. A standard
error of a half."""

_DRAWS = 500  # of the bootstrap
_ERRORS_KEPT = 7  # for the bootstrap alarms are kept so many standard errors beyond the rate that is sought


@dataclass(frozen=True)
class Interval:
    """95 %, by bootstrap over people: the 2.5th and 97.5th percentile of resampled results.

    A comparison is there as often as one of its people times the other. That makes intervals of rates over
    pairs wide rather than narrow (Owen 2007, The pigeonhole bootstrap). With few people, or few independent
    false hits, they are narrow, and hold what they should in 80 to 90 % of cases.
    """

    low: float
    high: float


@dataclass(frozen=True)
class SearchThreshold:
    """The similarity for a stated rate of false hits, and what it rests on.

    similarity: cosine; a hit is a similarity at or above it.
    fpir: as asked for, 0 to 1; fpir_interval: of the true rate at ``similarity``.
    gallery_size: faces searched, one a person.
    fnir: share of searches for an enrolled person, one photo enrolled, that miss at ``similarity``.
    people, photos: all that were given, each photo with a face one search by a stranger; failed: the others.
    false_hits: expected in these searches, as in `supported_false_hits`.
    independent: how many independent ones they are worth, by Kish's effective number over pairs of people,
        (sum p)^2 / sum p^2 of their parts p: photos of one person hit the same others.
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
    vectors: Floats, people: ArrayLike, fpir: float, gallery_size: int, seed: int = 0
) -> SearchThreshold:
    """The lowest similarity with false hits in at most ``fpir`` of the searches over ``gallery_size`` faces.

    Each photo with a face searches as a stranger among all other people, one photo of each (drawn anew in
    several rounds). Up to as many people as there are, the rate is the mean over all galleries of exactly
    ``gallery_size`` of them. Beyond, the gallery is taken for several of the size at hand side by side:
    FPIR_N = 1 - (1 - FPIR_G)^(N/G), which is too high rather than too low where strangers differ in how
    often they hit (Jensen's inequality). No tail is fitted.

    Args:
        vectors: (n, dims), of any length; NaN where a photo failed.
        people: (n,), who is on each photo.
        fpir: above 0, below 1.
        gallery_size: faces in the gallery, one a person.
        seed: of the photos enrolled and of the bootstrap; equal input and seed give an equal result.

    Raises:
        CalibrationError: the photos don't support it; the message says what is missing.
    """
    faces = Faces.of(vectors, people)
    expected = require_support(faces, fpir, gallery_size)
    generator = np.random.default_rng(seed)
    beside = max(1.0, gallery_size / faces.others)
    rate = 1 - (1 - fpir) ** (1 / beside)
    beyond = 1 + _ERRORS_KEPT * math.sqrt(3 / min(expected, faces.people))
    alarms = find_alarms(faces, min(gallery_size, faces.others), rate * beyond, generator)
    similarity = alarms.threshold(rate)
    at_least = alarms.at_least(similarity)
    independent = _require_independent(faces, at_least.pairs(), fpir, gallery_size)

    missed, sought = faces.missed(similarity), np.maximum(faces.photos - 1, 0)
    draws = generator.multinomial(faces.people, np.full(faces.people, 1 / faces.people), size=_DRAWS)
    rates = np.array([at_least.resampled_rate(faces, weights) for weights in draws])
    return SearchThreshold(
        similarity=similarity,
        interval=_interval([alarms.resampled_threshold(faces, weights, rate) for weights in draws]),
        fpir=fpir,
        fpir_interval=_interval(1 - (1 - np.minimum(rates, 1)) ** beside),
        gallery_size=gallery_size,
        fnir=float(missed.sum() / sought.sum()),
        fnir_interval=_miss_interval(missed, sought, draws),
        people=faces.people,
        photos=faces.total,
        failed=faces.total - len(faces.vectors),
        false_hits=expected,
        independent=independent,
    )


def require_support(faces: Faces, fpir: float, gallery_size: int) -> float:
    """How many false hits the photos are expected to show, as `supported_false_hits` says.

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
    -ln(1 - FPIR) / N, from FPIR = 1 - (1 - FMR)^N where FMR is small. Enrolled photos search among each
    other, and such a pair, seen from both sides, counts once.
    """
    comparisons = (photos - enrolled / 2) * (enrolled - 1)
    return comparisons * -math.log1p(-fpir) / gallery_size


def _interval(values: ArrayLike) -> Interval:
    low, high = np.nanpercentile(np.asarray(values, dtype=np.float64), [2.5, 97.5])
    return Interval(float(low), float(high))


def _miss_interval(missed: NDArray[np.float64], sought: Numbers, draws: Numbers) -> Interval:
    """Of the share missed of the searches, both (people,). Where nobody was, up to what n people rule out.

    That is the rate with which n trials show nothing in 5 % of cases, 1 - 0.05^(1/n), about 3 / n.
    """
    if not missed.any():
        return Interval(0.0, float(1 - 0.05 ** (1 / (sought > 0).sum())))
    with np.errstate(invalid="ignore"):  # a draw without anybody of two photos has no rate
        return _interval((draws @ missed) / (draws @ sought))


def _too_few(faces: Faces, fpir: float, gallery_size: int, expected: float) -> str:
    missing = FEWEST_FALSE_HITS / expected
    more_people = math.ceil(faces.people * (math.sqrt(missing) - 1))
    text = (
        f"an FPIR of {fpir:g} in a search over {_count(gallery_size, 'face')}: {len(faces.vectors):,} photos "
        f"with a face, of {faces.enrolled:,} people, would show {expected:.2g} false hits, and "
        f"{FEWEST_FALSE_HITS} are needed. Bring about {_count(more_people, 'person', 'people')} more, with "
        "as many photos each"
    )
    largest = min(math.floor(gallery_size / missing), faces.others)
    return text + (f"; or ask for at most {_count(largest, 'face')}" if largest else "")


def _count(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _require_independent(faces: Faces, pairs: Parts, fpir: float, gallery_size: int) -> float:
    """How many independent false hits these of ``pairs`` of people are worth; many photos of a few people
    don't show what strangers do. Beyond the people at hand several pairs must show it, besides."""
    independent = float(pairs.sum() ** 2 / (pairs**2).sum())
    beyond = gallery_size > faces.others
    worth, needed = independent, FEWEST_INDEPENDENT
    if beyond and len(pairs) < FEWEST_FALSE_HITS:
        worth, needed = len(pairs), FEWEST_FALSE_HITS
    if worth >= needed:
        return independent
    more = math.ceil(faces.enrolled * (math.sqrt(needed / worth) - 1))
    raise CalibrationError(
        f"an FPIR of {fpir:g} in a search over {_count(gallery_size, 'face')}"
        f"{f', more than the {faces.others:,} others at hand' if beyond else ''}: the false hits are of "
        f"{_count(len(pairs), 'pair')} of people, and worth {worth:.2g} independent ones, where {needed} are "
        f"needed. Bring about {_count(more, 'person', 'people')} more; more photos of these people don't help"
    )
