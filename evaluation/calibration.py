"""From labelled photos to a similarity for a stated rate of false hits in a search, and to a probability.

Everything here is numbers: vectors and who is on them go in. A failed photo (a row of NaN) is never dropped:
as a stranger's it raises no alarm, as an enrolled person's it is a miss. Only a probability can't be given
for it, since it has no similarity.

A search is one photo against a gallery of one photo a person. It is a false hit where somebody who is not
enrolled finds anybody at or above the similarity (FPIR), and a miss where somebody who is enrolled isn't
found at or above it, at whatever rank (FNIR): the error rates of ISO/IEC 19795-1:2021.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Numbers = NDArray[np.intp]

FEWEST_FALSE_HITS = 10
"""What a threshold must rest on: a rate from 10 events has a standard error of a third, 1/sqrt(10)."""
FEWEST_PEOPLE = 5
"""Intervals resample people, which says nothing with fewer."""

_DRAWS = 500  # of the bootstrap
_ROUNDS = 10  # of enrolling, where photos are few
_BLOCK = 4_000_000  # similarities at a time
_ERRORS_KEPT = 7  # for the bootstrap alarms are kept so many standard errors beyond the rate that is sought
_BINS = 2000  # of similarities from -1 to 1
_ONE_PHOTO = 0.999  # no two people are as similar
_RIDGE = 0.01  # a prior on the slope of 0 +- 10, in standard deviations of the similarity


class CalibrationError(Exception):
    """The photos don't support what was asked for, or what is stored is no calibration."""


@dataclass(frozen=True)
class Interval:
    """95 %, by bootstrap over people: the 2.5th and 97.5th percentile of resampled results.

    A comparison is there as often as one of its people times the other. That makes intervals of rates over
    pairs wide rather than narrow (Owen 2007, The pigeonhole bootstrap); with five people they are narrow, and
    hold what they should in about 80 to 90 % of cases.
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
    people, photos: all that were given, each photo one search by a stranger; failed: of the photos.
    false_hits: expected in these searches, as in `supported_false_hits`.
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


@dataclass(frozen=True)
class Logistic:
    """Log odds that two photos are of one person, as likely as not before: slope x similarity + offset.

    slope: above 0, so that a higher similarity never is a lower probability.
    """

    slope: float
    offset: float

    def probability(self, similarity: ArrayLike, odds: float = 1.0) -> NDArray[np.float64]:
        """Of the same person, 0 to 1, for each similarity; NaN stays NaN.

        Args:
            odds: before the similarity is known, same person : different people. Bayes' rule adds its
                logarithm to the log odds.
        """
        if not (odds > 0 and math.isfinite(odds)):
            raise ValueError(f"odds are [{odds}], not a number above 0")
        log_odds = self.slope * np.asarray(similarity, dtype=np.float64) + self.offset + math.log(odds)
        return np.asarray(_logistic(log_odds))


@dataclass(frozen=True)
class Calibration:
    """What is kept beside the vectors of one model, in ``_meta.ingest_face.calibration``."""

    model: str
    similarity: float
    fpir: float
    gallery_size: int
    fnir: float
    logistic: Logistic
    people: int
    photos: int
    made: date

    @classmethod
    def of(cls, model: str, threshold: SearchThreshold, logistic: Logistic, made: date) -> Calibration:
        """Rounded to what a person reads; the intervals are far wider."""
        return cls(
            model=model,
            similarity=round(threshold.similarity, 4),
            fpir=threshold.fpir,
            gallery_size=threshold.gallery_size,
            fnir=round(threshold.fnir, 4),
            logistic=Logistic(round(logistic.slope, 4), round(logistic.offset, 4)),
            people=threshold.people,
            photos=threshold.photos,
            made=made,
        )

    def as_meta(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "similarity": self.similarity,
            "fpir": self.fpir,
            "gallery_size": self.gallery_size,
            "fnir": self.fnir,
            "logistic": {"slope": self.logistic.slope, "offset": self.logistic.offset},
            "data": {"people": self.people, "photos": self.photos},
            "made": self.made.isoformat(),
        }

    @classmethod
    def from_meta(cls, meta: object, model: str) -> Calibration:
        """What `as_meta` gave. Unknown keys are left aside.

        Raises:
            CalibrationError: a value is absent or can't be, or it was made for another model than ``model``.
        """
        read = _Meta(meta)
        if read.text("model") != model:
            raise CalibrationError(f"the calibration is of model [{read.text('model')}], not of [{model}]")
        return cls(
            model=model,
            similarity=read.number("similarity", -1, 1),
            fpir=read.number("fpir", 0, 1),
            gallery_size=read.whole("gallery_size"),
            fnir=read.number("fnir", 0, 1),
            logistic=Logistic(
                read.number("logistic.slope", math.ulp(0), math.inf),
                read.number("logistic.offset", -math.inf, math.inf),
            ),
            people=read.whole("data.people"),
            photos=read.whole("data.photos"),
            made=read.day("made"),
        )


def search_threshold(
    vectors: Floats, people: ArrayLike, fpir: float, gallery_size: int, seed: int = 0
) -> SearchThreshold:
    """The lowest similarity with false hits in at most ``fpir`` of the searches over ``gallery_size`` faces.

    Each photo searches as a stranger among all other people, one photo of each (drawn anew in several
    rounds). Up to as many people as there are, the rate is the mean over all galleries of exactly
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
    if not 0 < fpir < 1:
        raise ValueError(f"fpir is [{fpir}], not between 0 and 1")
    if gallery_size < 1:
        raise ValueError(f"gallery_size is [{gallery_size}], not 1 or more")
    faces = _Faces.of(vectors, people)
    faces.check()
    expected = supported_false_hits(faces.total, faces.enrolled, fpir, gallery_size)
    if expected < FEWEST_FALSE_HITS:
        raise CalibrationError(_too_few(faces, fpir, gallery_size, expected))
    generator = np.random.default_rng(seed)
    beside = max(1.0, gallery_size / faces.others)
    rate = 1 - (1 - fpir) ** (1 / beside)
    beyond = 1 + _ERRORS_KEPT * math.sqrt(3 / min(expected, faces.people))
    alarms = _alarms(faces, min(gallery_size, faces.others), rate * beyond, generator)
    similarity = alarms.threshold(rate)
    if gallery_size > faces.others:
        _check_pairs_of_people(faces, alarms.at_least(similarity), fpir, gallery_size)

    missed, sought = faces.missed(similarity), np.maximum(faces.photos - 1, 0)
    draws = generator.multinomial(faces.people, np.full(faces.people, 1 / faces.people), size=_DRAWS)
    at_least = alarms.at_least(similarity)
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
    )


def supported_false_hits(photos: int, enrolled: int, fpir: float, gallery_size: int) -> float:
    """How many false hits the photos are expected to show at the similarity for ``fpir``.

    Of all comparisons of a photo with another person's enrolled one, the share that hits is
    -ln(1 - FPIR) / N, from FPIR = 1 - (1 - FMR)^N where FMR is small. Enrolled photos search among each
    other, and such a pair, seen from both sides, counts once.
    """
    comparisons = (photos - enrolled / 2) * (enrolled - 1)
    return comparisons * -math.log1p(-fpir) / gallery_size


def logistic_map(vectors: Floats, people: ArrayLike) -> Logistic:
    """Similarity to probability, from all pairs of photos that can be compared.

    Different people: each photo with everybody else, whose photos share one weight. The same person: somebody
    of k photos weighs k - 1, as in a search with one enrolled.

    Args:
        vectors: (n, dims); NaN where a photo failed.
        people: (n,), who is on each photo.

    Raises:
        CalibrationError: too few people, or those of one person are no more alike than those of two.
    """
    faces = _Faces.of(vectors, people)
    faces.check()
    same, different = np.zeros(_BINS + 1), np.zeros(_BINS + 1)
    for person, similarities in faces.own_pairs():
        same += np.bincount(_bins(similarities), minlength=_BINS + 1) * 2 / faces.photos[person]
    share = 1 / np.bincount(faces.owners, minlength=faces.people)[faces.owners]
    for rows in faces.chunks(len(faces.vectors)):
        similarities = faces.vectors[rows] @ faces.vectors.T
        weights = np.where(faces.owners[rows, np.newaxis] == faces.owners, 0, share)
        different += np.bincount(_bins(similarities).ravel(), weights.ravel(), minlength=_BINS + 1)
    centres = np.arange(_BINS + 1) * 2 / _BINS - 1
    return fit_logistic(centres, centres, same, different)


def fit_logistic(
    same: Floats,
    different: Floats,
    same_weights: Floats | None = None,
    different_weights: Floats | None = None,
) -> Logistic:
    """Platt's scaling (1999) by maximum likelihood, for equal odds before.

    Both kinds of pair have the same weight in total, that of the scarcer one, so the share of either in the
    data does not matter. A weak ridge keeps the slope finite where the two are apart. Newton's method with
    steps halved, as in Lin, Lin and Weng (2007).

    Args:
        same, different: similarities of pairs of one person, and of two; NaN where there is none.
        same_weights, different_weights: of each pair, 1 if not given.

    Raises:
        CalibrationError: no pair of either kind, or pairs of one person aren't more alike.
    """
    values = np.concatenate([same, different]).astype(np.float64)
    is_same = np.arange(len(values)) < len(same)
    given = [
        np.ones(len(scores)) if weights is None else weights
        for scores, weights in ((same, same_weights), (different, different_weights))
    ]
    weights = np.where(np.isfinite(values), np.concatenate(given), 0)
    totals = weights[is_same].sum(), weights[~is_same].sum()
    if min(totals) <= 0:
        kind = "one person" if totals[0] <= 0 else "two people"
        raise CalibrationError(f"no pair of photos of {kind} can be compared: nothing to fit")
    weights = weights * np.where(is_same, 1 / totals[0], 1 / totals[1]) * min(totals)
    values = np.where(weights > 0, values, 0)
    middle = np.average(values, weights=weights)
    spread = math.sqrt(np.average((values - middle) ** 2, weights=weights))
    slope, offset = _newton((values - middle) / (spread or 1), is_same, weights)
    if slope <= 1e-9:
        raise CalibrationError(
            "photos of one person are no more alike than photos of two: are the people's names right?"
        )
    slope /= spread or 1
    return Logistic(slope, offset - slope * float(middle))


@dataclass(frozen=True)
class _Faces:
    """
    vectors: unit, (m, dims), of the photos that have one.
    owners: (m,), whose they are, as places in ``photos``.
    photos: (people,), how many each has, failed ones too.
    """

    vectors: NDArray[np.float32]
    owners: Numbers
    photos: Numbers

    @classmethod
    def of(cls, vectors: Floats, people: ArrayLike) -> _Faces:
        labels = np.asarray(people)
        if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
            raise ValueError(f"vectors of shape {vectors.shape} for people of shape {labels.shape}")
        names, owners = np.unique(labels, return_inverse=True)
        lengths = np.linalg.norm(vectors, axis=1)
        readable = np.isfinite(lengths) & (lengths > 0)
        unit = vectors[readable] / lengths[readable, np.newaxis]
        return cls(unit.astype(np.float32), owners[readable], np.bincount(owners, minlength=len(names)))

    @property
    def people(self) -> int:
        return len(self.photos)

    @property
    def total(self) -> int:
        return int(self.photos.sum())

    @property
    def has_face(self) -> NDArray[np.bool_]:
        """(people,), who has a photo that can be enrolled."""
        return np.bincount(self.owners, minlength=self.people) > 0

    @property
    def enrolled(self) -> int:
        """People who can be."""
        return int(self.has_face.sum())

    @property
    def others(self) -> int:
        """The largest gallery at hand: all but the one who searches."""
        return self.enrolled - 1

    def check(self) -> None:
        """Raises CalibrationError where there are too few people for any number."""
        if self.enrolled < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on a photo: {self.enrolled} of {self.people}; at least {FEWEST_PEOPLE} "
                f"are needed, {FEWEST_PEOPLE - self.enrolled} more"
            )
        several = int((np.bincount(self.owners) > 1).sum())
        if several < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on two photos or more: {several} of {self.people}; at least "
                f"{FEWEST_PEOPLE} are needed, {FEWEST_PEOPLE - several} more, to see how alike they are"
            )

    def chunks(self, columns: int) -> Iterator[slice]:
        """Photos, so many at a time that their similarities to ``columns`` others fit into memory."""
        step = max(1, _BLOCK // columns)
        for start in range(0, len(self.vectors), step):
            yield slice(start, start + step)

    def own_pairs(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Each person with two photos or more, and the similarity of each pair of them."""
        order = np.argsort(self.owners, kind="stable")
        starts = np.searchsorted(self.owners[order], np.arange(self.people + 1))
        for person in np.flatnonzero(np.diff(starts) > 1):
            own = self.vectors[order[starts[person] : starts[person + 1]]]
            yield int(person), (own @ own.T)[np.triu_indices(len(own), 1)]

    def missed(self, similarity: float) -> NDArray[np.float64]:
        """(people,), how many of the k - 1 searches for somebody of k photos miss, whichever is enrolled.

        The mean over which one is: of k (k - 1) / 2 pairs each counts 2 / k, and one with a failed photo
        is a miss.
        """
        found = np.zeros(self.people)
        for person, similarities in self.own_pairs():
            found[person] = (similarities >= similarity).sum() * 2 / self.photos[person]
        return np.asarray(np.maximum(self.photos - 1, 0) - found)


@dataclass(frozen=True)
class _Alarms:
    """Comparisons of a stranger with an enrolled person, each with its part in the rate of false hits.

    similarity: (m,), highest first.
    part: (m,), the chance that a search is this one's, and that this is its best in a gallery; those at or
        above a similarity sum to the FPIR there.
    stranger, enrolled: (m,), who.
    """

    similarity: NDArray[np.float32]
    part: NDArray[np.float64]
    stranger: Numbers
    enrolled: Numbers

    def with_others(self, others: _Alarms, rate: float) -> _Alarms:
        """These and ``others`` down to where the rate of false hits is ``rate``."""
        similarity = np.concatenate([self.similarity, others.similarity])
        part = np.concatenate([self.part, others.part])
        order = np.argsort(-similarity, kind="stable")
        kept = order[: np.searchsorted(np.cumsum(part[order]), rate) + 1]
        return _Alarms(
            similarity[kept],
            part[kept],
            np.concatenate([self.stranger, others.stranger])[kept],
            np.concatenate([self.enrolled, others.enrolled])[kept],
        )

    def at_least(self, similarity: float) -> _Alarms:
        count = np.searchsorted(-self.similarity, -similarity, side="right")
        return _Alarms(
            self.similarity[:count], self.part[:count], self.stranger[:count], self.enrolled[:count]
        )

    def threshold(self, rate: float) -> float:
        """Halfway between the lowest similarity that keeps to the rate and the next, which exceeds it."""
        exceeding = self.similarity[_place(np.cumsum(self.part), rate)]
        above = np.searchsorted(-self.similarity, -exceeding)
        if above == 0 or exceeding > _ONE_PHOTO:
            raise CalibrationError(
                "more strangers than the rate allows find somebody at a similarity of "
                f"{exceeding:.3f}, as of one photo twice: is one person in the folder under two names?"
            )
        return (float(self.similarity[above - 1]) + float(exceeding)) / 2

    def resampled_threshold(self, faces: _Faces, weights: Numbers, rate: float) -> float:
        """`threshold` where each person is there as often as ``weights``, (people,), says; maybe NaN."""
        comparisons = _comparisons(faces, weights)
        if comparisons == 0:
            return math.nan
        rates = np.cumsum(self._parts(weights)) / comparisons
        return float(self.similarity[_place(rates, rate)])

    def resampled_rate(self, faces: _Faces, weights: Numbers) -> float:
        """The rate of all of these where each person is there as often as ``weights`` says; maybe NaN."""
        comparisons = _comparisons(faces, weights)
        return float(self._parts(weights).sum()) / comparisons if comparisons else math.nan

    def _parts(self, weights: Numbers) -> NDArray[np.float64]:
        return self.part * (weights[self.stranger] * weights[self.enrolled])


def _alarms(faces: _Faces, size: int, rate: float, generator: np.random.Generator) -> _Alarms:
    """Down to where their rate is ``rate``, over galleries of ``size`` people, never the one who searches."""
    chances = _chances_of_best(faces.others, size)
    rounds = min(_ROUNDS, 1 + 2_000_000 // (len(faces.vectors) * faces.enrolled))
    part = chances / (rounds * faces.total)
    found = _Alarms(np.empty(0, np.float32), np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp))
    for _ in range(rounds):
        gallery = _one_of_each(faces, generator)
        for rows in faces.chunks(len(gallery)):
            strangers, enrolled = faces.owners[rows], faces.owners[gallery]
            similarities = faces.vectors[rows] @ faces.vectors[gallery].T
            similarities[strangers[:, np.newaxis] == enrolled] = -np.inf
            best = _best(similarities, len(chances))
            one = _Alarms(
                np.take_along_axis(similarities, best, axis=1).ravel(),
                np.tile(part, len(strangers)),
                np.repeat(strangers, len(chances)),
                enrolled[best].ravel(),
            )
            found = found.with_others(one, rate)
    return found


def _chances_of_best(others: int, size: int) -> NDArray[np.float64]:
    """How likely each of ``others`` is the best in a gallery, from the most similar one on.

    Of all galleries of ``size``, C(others - r, size - 1) have the r-th as their best. Without the places that
    together have no part in it.
    """
    ranks = np.arange(1, others - size + 1)
    ratios = (others - ranks - size + 1) / (others - ranks)
    chances = size / others * np.cumprod(np.concatenate([[1.0], ratios]))
    return np.asarray(chances[: np.searchsorted(np.cumsum(chances), 1 - 1e-9) + 1])


def _one_of_each(faces: _Faces, generator: np.random.Generator) -> Numbers:
    """A photo of each person who has one, as rows of the vectors."""
    shuffled = generator.permutation(len(faces.owners))
    _, first = np.unique(faces.owners[shuffled], return_index=True)
    return np.asarray(shuffled[first])


def _best(similarities: NDArray[np.float32], count: int) -> Numbers:
    """(rows, count), the columns of each row's highest, the highest first."""
    best = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(similarities, best, axis=1), axis=1)
    return np.asarray(np.take_along_axis(best, order, axis=1))


def _comparisons(faces: _Faces, weights: Numbers) -> float:
    """What the parts of all comparisons sum to where each person is there as often as ``weights`` says.

    A comparison is there as often as one person times the other. Nobody is compared with a copy of himself.
    """
    enrolled = weights * faces.has_face
    others = (enrolled.sum() - enrolled) / (faces.enrolled - faces.has_face)
    return float((weights * faces.photos * others).sum()) / faces.total


def _place(rates: NDArray[np.float64], rate: float) -> int:
    """Of the first that exceeds ``rate``, or the last."""
    return min(int(np.searchsorted(rates, rate + 1e-12, side="right")), len(rates) - 1)


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


def _too_few(faces: _Faces, fpir: float, gallery_size: int, expected: float) -> str:
    missing = FEWEST_FALSE_HITS / expected
    more_people = math.ceil(faces.people * (math.sqrt(missing) - 1))
    more_photos = math.ceil((faces.total - faces.enrolled / 2) * (missing - 1))
    text = (
        f"an FPIR of {fpir:g} in a search over {gallery_size:,} faces: {faces.total:,} photos of "
        f"{faces.people:,} people would show {expected:.2g} false hits, and {FEWEST_FALSE_HITS} are needed. "
        f"Bring about {more_people:,} people more, with as many photos each, or {more_photos:,} photos more "
        "of these people"
    )
    largest = min(math.floor(gallery_size / missing), faces.others)
    return text + (f"; or ask for at most {largest:,} faces" if largest else "")


def _check_pairs_of_people(faces: _Faces, alarms: _Alarms, fpir: float, gallery_size: int) -> None:
    """Beyond the people at hand the tail must be seen over people; many photos of a few don't show it."""
    pairs = np.sort(np.stack([alarms.stranger, alarms.enrolled]), axis=0)
    seen = len(np.unique(pairs, axis=1).T)
    if seen < FEWEST_FALSE_HITS:
        more = math.ceil(faces.people * (math.sqrt(FEWEST_FALSE_HITS / max(seen, 1)) - 1))
        raise CalibrationError(
            f"an FPIR of {fpir:g} in a search over {gallery_size:,} faces, more than the {faces.others:,} "
            f"others at hand: false hits were of {seen} pairs of people, and {FEWEST_FALSE_HITS} are needed. "
            f"Bring about {more:,} people more, or ask for at most {faces.others:,} faces"
        )


def _bins(similarities: NDArray[np.float32]) -> Numbers:
    return np.asarray(np.rint((np.clip(similarities, -1, 1) + 1) * (_BINS / 2)), dtype=np.intp)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), which tanh gives without overflow."""
    return np.asarray((1 + np.tanh(log_odds / 2)) / 2)


def _newton(
    values: NDArray[np.float64], is_same: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and offset of the likeliest logistic map, with a ridge on the slope."""
    design = np.stack([values, np.ones(len(values))])
    ridge = np.diag([_RIDGE, 0.0])

    def loss(at: NDArray[np.float64]) -> float:
        log_odds = at @ design
        return float(weights @ (np.logaddexp(0, log_odds) - is_same * log_odds) + at @ ridge @ at / 2)

    at = np.zeros(2)
    for _ in range(100):
        chance = _logistic(at @ design)
        gradient = design @ (weights * (chance - is_same)) + ridge @ at
        curvature = (design * (weights * chance * (1 - chance))) @ design.T + ridge
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while loss(at - step) > loss(at) and np.abs(step).max() > 1e-9:
            step /= 2
        at = at - step
        if np.abs(step).max() <= 1e-9:
            break
    return float(at[0]), float(at[1])


@dataclass(frozen=True)
class _Meta:
    """Reads a stored calibration's values, each by its dotted name; raises CalibrationError."""

    meta: object

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def number(self, name: str, low: float, high: float) -> float:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(name, "a number")
        if not low <= value <= high:
            raise self._wrong(name, f"from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str) -> int:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(name, "a whole number of 1 or more")
        return value

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name, "a day such as 2025-01-31") from None

    def _value(self, name: str) -> object:
        value = self.meta
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _wrong(self, name: str, wanted: str) -> CalibrationError:
        return CalibrationError(
            f"calibration: [{name}] is [{self._value(name)}], not {wanted}; calibrate again"
        )
