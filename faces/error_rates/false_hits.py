"""False hits in searches for unenrolled people, over all galleries of a size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.arrays import Rates
from faces.error_rates.bootstrap import Counts, weights
from faces.error_rates.errors import CalibrationError
from faces.error_rates.labelled_vectors import LabelledVectors, Numbers
from faces.error_rates.search_rates import fpir

_ROUNDS = 10  # of enrolling, where photos are few
_COPY = 0.999  # above this, two faces are of one photo


@dataclass(frozen=True)
class FalseHits:
    """Comparisons of an unenrolled person's photo with an enrolled person's.

    similarity: (m,) highest first.
    part: (m,) the probability that a search is with this photo, and that this is its best hit in a gallery.
        They sum to the FPIR, as ``search_rates.fpir`` has it.
    unenrolled, enrolled: (m,) the two people.
    """

    similarity: NDArray[np.float32]
    part: Rates
    unenrolled: Numbers
    enrolled: Numbers

    def with_others(self, others: FalseHits, rate: float) -> FalseHits:
        """These and ``others`` down to the similarity at which the FPIR is ``rate``."""
        similarity = np.concatenate([self.similarity, others.similarity])
        part = np.concatenate([self.part, others.part])
        order = np.argsort(-similarity, kind="stable")
        kept = order[: np.searchsorted(np.cumsum(part[order]), rate) + 1]
        return FalseHits(
            similarity[kept],
            part[kept],
            np.concatenate([self.unenrolled, others.unenrolled])[kept],
            np.concatenate([self.enrolled, others.enrolled])[kept],
        )

    def at_least(self, similarity: float) -> FalseHits:
        count = np.searchsorted(-self.similarity, -similarity, side="right")
        return FalseHits(
            self.similarity[:count], self.part[:count], self.unenrolled[:count], self.enrolled[:count]
        )

    def pairs(self) -> Rates:
        """The sum of the parts of each pair of people, whichever of them is searched for."""
        one, other = np.minimum(self.unenrolled, self.enrolled), np.maximum(self.unenrolled, self.enrolled)
        _, number = np.unique(np.stack([one, other]), axis=1, return_inverse=True)
        return np.bincount(number.ravel(), self.part).astype(np.float64, copy=False)

    def threshold(self, rate: float) -> float:
        """Halfway between the lowest similarity whose FPIR is at most ``rate`` and the next lower one.

        Raises:
            CalibrationError: even copies of one photo exceed the rate.
        """
        exceeding = self._exceeding(rate, self.part, 1)
        above = np.searchsorted(-self.similarity, -exceeding)
        if above == 0 or exceeding > _COPY:
            raise CalibrationError(
                f"too many searches for unenrolled people return someone at a similarity of {exceeding:.3f}, "
                "which only copies of one photo reach: does one person have two folders?"
            )
        return (float(self.similarity[above - 1]) + exceeding) / 2

    def drawn_threshold(self, faces: LabelledVectors, drawn: Counts, rate: float) -> float:
        """The similarity of the first false hit that exceeds ``rate`` in a draw of people; NaN without a
        search."""
        searches = _searches(faces, drawn)
        return self._exceeding(rate, self._drawn_parts(drawn), searches) if searches else math.nan

    def drawn_rate(self, faces: LabelledVectors, drawn: Counts) -> float:
        """The FPIR at the lowest of these similarities in a draw of people; may be NaN."""
        (rate,) = fpir(
            self.similarity, self.similarity[-1:], _searches(faces, drawn), self._drawn_parts(drawn)
        )
        return float(rate)

    def _exceeding(self, rate: float, parts: Rates, searches: float) -> float:
        """The highest similarity whose FPIR exceeds ``rate``, or the lowest of all."""
        rates = fpir(self.similarity, self.similarity, searches, parts)
        place = int(np.searchsorted(rates, rate + 1e-12, side="right"))
        return float(self.similarity[min(place, len(rates) - 1)])

    def _drawn_parts(self, drawn: Counts) -> Rates:
        return self.part * weights(drawn, self.unenrolled, self.enrolled)


def find_false_hits(
    faces: LabelledVectors, size: int, rate: float, generator: np.random.Generator
) -> FalseHits:
    """Down to the similarity at which the FPIR is ``rate``, over galleries of ``size`` people, which never
    include the person searched for."""
    chances = _chances_of_best(faces.others, size)
    rounds = min(_ROUNDS, 1 + 2_000_000 // (len(faces.vectors) * faces.enrolled))
    part = chances / (rounds * len(faces.vectors))
    found = FalseHits(np.empty(0, np.float32), np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp))
    for _ in range(rounds):
        gallery = _one_of_each(faces, generator)
        for rows in faces.chunks(len(gallery)):
            unenrolled, enrolled = faces.owners[rows], faces.owners[gallery]
            similarities = faces.vectors[rows] @ faces.vectors[gallery].T
            similarities[unenrolled[:, np.newaxis] == enrolled] = -np.inf
            best = _best(similarities, len(chances))
            one = FalseHits(
                np.take_along_axis(similarities, best, axis=1).ravel(),
                np.tile(part, len(unenrolled)),
                np.repeat(unenrolled, len(chances)),
                enrolled[best].ravel(),
            )
            found = found.with_others(one, rate)
    return found


def _chances_of_best(others: int, size: int) -> Rates:
    """The probability of each of ``others`` to be the best in a gallery, from the most similar one on.

    Of all galleries of ``size``, C(others - r, size - 1) have the r-th as their best. The ranks that together
    have less than 1e-9 are left out.
    """
    ranks = np.arange(1, others - size + 1)
    ratios = (others - ranks - size + 1) / (others - ranks)
    chances = size / others * np.cumprod(np.concatenate([[1.0], ratios]))
    return np.asarray(chances[: np.searchsorted(np.cumsum(chances), 1 - 1e-9) + 1])


def _one_of_each(faces: LabelledVectors, generator: np.random.Generator) -> Numbers:
    """A photo of each person who has one, as rows of the vectors."""
    shuffled = generator.permutation(len(faces.owners))
    _, first = np.unique(faces.owners[shuffled], return_index=True)
    return np.asarray(shuffled[first])


def _best(similarities: NDArray[np.float32], count: int) -> Numbers:
    """(rows, count): the columns of each row's highest, the highest first."""
    best = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(similarities, best, axis=1), axis=1)
    return np.asarray(np.take_along_axis(best, order, axis=1))


def _searches(faces: LabelledVectors, drawn: Counts) -> float:
    """How many searches a draw has, as a share of those of the photos themselves.

    A comparison has the product of both people's resample counts. No one is compared with a copy of the same
    person.
    """
    times = drawn.astype(np.float64)
    enrolled = times * faces.has_face
    others = (enrolled.sum() - enrolled) / (faces.enrolled - faces.has_face)
    return float((times * faces.searches * others).sum()) / len(faces.vectors)
