"""False hits of strangers in a search, over all galleries of a size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.errors import CalibrationError
from faces.error_rates.labelled_vectors import Faces, Numbers

Parts = NDArray[np.float64]

_ROUNDS = 10  # of enrolling, where photos are few
_ONE_PHOTO = 0.999  # no two people are as similar


@dataclass(frozen=True)
class Alarms:
    """Comparisons of a stranger with an enrolled person, each with its part in the rate of false hits.

    similarity: (m,), highest first.
    part: (m,), the chance that a search is this one's, and that this is its best in a gallery; those at or
        above a similarity sum to the FPIR there.
    stranger, enrolled: (m,), who.
    """

    similarity: NDArray[np.float32]
    part: Parts
    stranger: Numbers
    enrolled: Numbers

    def with_others(self, others: Alarms, rate: float) -> Alarms:
        """These and ``others`` down to where the rate of false hits is ``rate``."""
        similarity = np.concatenate([self.similarity, others.similarity])
        part = np.concatenate([self.part, others.part])
        order = np.argsort(-similarity, kind="stable")
        kept = order[: np.searchsorted(np.cumsum(part[order]), rate) + 1]
        return Alarms(
            similarity[kept],
            part[kept],
            np.concatenate([self.stranger, others.stranger])[kept],
            np.concatenate([self.enrolled, others.enrolled])[kept],
        )

    def at_least(self, similarity: float) -> Alarms:
        count = np.searchsorted(-self.similarity, -similarity, side="right")
        return Alarms(
            self.similarity[:count], self.part[:count], self.stranger[:count], self.enrolled[:count]
        )

    def pairs(self) -> Parts:
        """What the comparisons of each two people, whoever of them searches, sum to."""
        one, other = np.minimum(self.stranger, self.enrolled), np.maximum(self.stranger, self.enrolled)
        _, number = np.unique(np.stack([one, other]), axis=1, return_inverse=True)
        return np.bincount(number.ravel(), self.part).astype(np.float64, copy=False)

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

    def resampled_threshold(self, faces: Faces, weights: Numbers, rate: float) -> float:
        """`threshold` where each person is there as often as ``weights``, (people,), says; maybe NaN."""
        comparisons = _comparisons(faces, weights)
        if comparisons == 0:
            return math.nan
        rates = np.cumsum(self._parts(weights)) / comparisons
        return float(self.similarity[_place(rates, rate)])

    def resampled_rate(self, faces: Faces, weights: Numbers) -> float:
        """The rate of all of these where each person is there as often as ``weights`` says; maybe NaN."""
        comparisons = _comparisons(faces, weights)
        return float(self._parts(weights).sum()) / comparisons if comparisons else math.nan

    def _parts(self, weights: Numbers) -> NDArray[np.float64]:
        return self.part * (weights[self.stranger] * weights[self.enrolled])


def find_alarms(faces: Faces, size: int, rate: float, generator: np.random.Generator) -> Alarms:
    """Down to where their rate is ``rate``, over galleries of ``size`` people, never the one who searches."""
    chances = _chances_of_best(faces.others, size)
    rounds = min(_ROUNDS, 1 + 2_000_000 // (len(faces.vectors) * faces.enrolled))
    part = chances / (rounds * len(faces.vectors))
    found = Alarms(np.empty(0, np.float32), np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp))
    for _ in range(rounds):
        gallery = _one_of_each(faces, generator)
        for rows in faces.chunks(len(gallery)):
            strangers, enrolled = faces.owners[rows], faces.owners[gallery]
            similarities = faces.vectors[rows] @ faces.vectors[gallery].T
            similarities[strangers[:, np.newaxis] == enrolled] = -np.inf
            best = _best(similarities, len(chances))
            one = Alarms(
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


def _one_of_each(faces: Faces, generator: np.random.Generator) -> Numbers:
    """A photo of each person who has one, as rows of the vectors."""
    shuffled = generator.permutation(len(faces.owners))
    _, first = np.unique(faces.owners[shuffled], return_index=True)
    return np.asarray(shuffled[first])


def _best(similarities: NDArray[np.float32], count: int) -> Numbers:
    """(rows, count), the columns of each row's highest, the highest first."""
    best = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(similarities, best, axis=1), axis=1)
    return np.asarray(np.take_along_axis(best, order, axis=1))


def _comparisons(faces: Faces, weights: Numbers) -> float:
    """What the parts of all comparisons sum to where each person is there as often as ``weights`` says.

    A comparison is there as often as one person times the other. Nobody is compared with a copy of himself.
    """
    enrolled = weights * faces.has_face
    others = (enrolled.sum() - enrolled) / (faces.enrolled - faces.has_face)
    return float((weights * faces.searches * others).sum()) / len(faces.vectors)


def _place(rates: NDArray[np.float64], rate: float) -> int:
    """Of the first that exceeds ``rate``, or the last."""
    return min(int(np.searchsorted(rates, rate + 1e-12, side="right")), len(rates) - 1)
