"""Errors against thresholds, and how sure they are: what verification and search share.

Two sets of scores: right ones, which should be accepted, and wrong ones, which shouldn't. A score is accepted
at every threshold that isn't above it. Where a score is missing, -inf is accepted at no threshold and +inf at
every one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
Rates = NDArray[np.float64]
People = NDArray[np.integer[Any]]
Draws = tuple["float | None", ...]
"""A number in each draw of the bootstrap, None where a draw gave none; with one seed, every way's draws have
the same people."""

EXPECTED_AT_LEAST = 10
"""So many wrong ones a threshold has to accept before its rate is stated: a count of n has a relative
standard error of 1/sqrt(n), at 10 a third. Doddington's rule of 30 (ISO/IEC 19795-1) is stricter: within 30 %
at 90 % confidence."""


@dataclass(frozen=True)
class Point:
    """The rates are shares, 0 to 1."""

    threshold: float
    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class Interval:
    """Of 95 %: between the percentiles 2.5 and 97.5 of the draws."""

    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Interval | None:
        """None where no draw gave a value: nan stands for a draw that gave none."""
        known = np.array(values)[~np.isnan(values)]
        return cls(*map(float, np.percentile(known, [2.5, 97.5]))) if len(known) else None


@dataclass(frozen=True)
class Ratio:
    """
    value: of two rates; None where there is nothing to divide by.
    interval: None where that is so in too many draws.
    """

    value: float | None
    interval: Interval | None

    @classmethod
    def of(cls, ours: float, theirs: float, drawn: Draws, drawn_theirs: Draws) -> Ratio:
        """Of two rates, and of the same in each draw: pairwise, for what makes a draw hard is hard for both.

        A draw that lacks a rate, or has no error of either kind, says nothing of the ratio.
        """
        both = np.array([drawn, drawn_theirs], dtype=np.float64)  # None becomes nan
        with np.errstate(divide="ignore", invalid="ignore"):
            known = both[0] / both[1]
            known = known[~np.isnan(known)]
            ends = np.percentile(known, [2.5, 97.5]) if len(known) else np.array([np.nan])
        interval = Interval(*map(float, ends)) if np.isfinite(ends).all() else None
        if not theirs:
            return cls(None if ours else 0.0, interval)
        return cls(ours / theirs, interval)


@dataclass(frozen=True)
class Curve:
    """
    thresholds: (n,) ascending; the last is above all scores.
    false_positive: (n,) the share of wrong ones that each threshold accepts.
    false_negative: (n,) the share of right ones that it rejects.
    """

    thresholds: Scores
    false_positive: Rates
    false_negative: Rates

    @classmethod
    def of(cls, right: Scores, wrong: Scores) -> Curve:
        """With every threshold that makes a difference.

        Raises:
            ValueError: no right ones, or no wrong ones.
        """
        if not len(right) or not len(wrong):
            raise ValueError("rates need scores of both kinds")
        right, wrong = np.sort(right), np.sort(wrong)
        scores = np.unique(np.concatenate([right, wrong]))
        scores = scores[np.isfinite(scores)]
        highest = scores[-1] if len(scores) else scores.dtype.type(0)
        thresholds = np.append(scores, np.nextafter(highest, scores.dtype.type(np.inf)))
        return cls(
            thresholds,
            (len(wrong) - np.searchsorted(wrong, thresholds)) / len(wrong),
            np.searchsorted(right, thresholds) / len(right),
        )

    def equal_error(self) -> Point:
        """Where both rates are equal, on the line between two thresholds; the nearer one is named."""
        before, after = self._crossing()
        short, over = (self.false_negative[at] - self.false_positive[at] for at in (before, after))
        part = float(-short / (over - short)) if over > short else 0.0
        rate = (1 - part) * self._mean(before) + part * self._mean(after)
        return Point(float(self.thresholds[after if part >= 0.5 else before]), rate, rate)

    def at(self, false_positive: float) -> Point | None:
        """The lowest threshold that accepts no larger share of the wrong; None where none is so strict."""
        strict = self.false_positive <= false_positive
        return self.point(int(np.argmax(strict))) if strict[-1] else None

    def area(self) -> float:
        """Under the ROC (AUC): the probability that a right one scores higher than a wrong one, ties half."""
        accepted = 1 - self.false_negative
        heights = (accepted[1:] + accepted[:-1]) / 2
        return float(np.sum(heights * (self.false_positive[:-1] - self.false_positive[1:])))

    def thinned(self, most: int) -> Curve:
        """About ``most`` of its points, even over the logarithms of both rates, with both ends and those
        around the equal error."""
        points = len(self.thresholds)
        if points <= most:
            return self
        wrong, right = (_even(rates, most // 2) for rates in (self.false_positive, self.false_negative))
        strict = points - np.searchsorted(self.false_positive[::-1], wrong, side="right")
        lenient = np.searchsorted(self.false_negative, right, side="right") - 1
        kept = np.unique(np.concatenate([[0, points - 1], self._crossing(), strict, lenient]))
        kept = kept[kept < points]
        return Curve(self.thresholds[kept], self.false_positive[kept], self.false_negative[kept])

    def point(self, at: int) -> Point:
        return Point(
            float(self.thresholds[at]), float(self.false_positive[at]), float(self.false_negative[at])
        )

    def points(self) -> tuple[Point, ...]:
        return tuple(self.point(at) for at in range(len(self.thresholds)))

    def _crossing(self) -> tuple[int, int]:
        """The positions between which the rates become equal."""
        after = int(np.argmax(self.false_negative >= self.false_positive))
        return max(after - 1, 0), after

    def _mean(self, at: int) -> float:
        return float(self.false_positive[at] + self.false_negative[at]) / 2


@dataclass(frozen=True)
class Resampled:
    """Scores whose people are drawn anew: a score counts as often as all its people were drawn together.

    starts: (parts,) ascending positions in the order of scores, from 0: no threshold lies within a part.
    parts: (thresholds,) how many of these parts are below each.
    people: of each score, in the order of scores: one array for each person that took part in it.
    """

    starts: NDArray[np.integer[Any]]
    parts: NDArray[np.integer[Any]]
    people: tuple[People, ...]

    @classmethod
    def of(cls, thresholds: Scores, scores: Scores, *people: People) -> Resampled:
        order = np.argsort(scores)
        below = np.searchsorted(scores[order], thresholds)
        starts = np.union1d(0, below[below < len(scores)])
        return cls(
            starts,
            np.searchsorted(starts, below),
            tuple(numbers[order].astype(np.intp) for numbers in people),
        )

    def accepted(self, drawn: NDArray[np.uint16]) -> Rates:
        """(thresholds,): the share that each accepts; nan where nobody of these was drawn."""
        sums = np.add.reduceat(weights(drawn, *self.people), self.starts)
        below = np.concatenate([[0], np.cumsum(sums, dtype=np.int64)])
        if not below[-1]:
            return np.full(len(self.parts), np.nan)
        shares: Rates = (below[-1] - below[self.parts]) / below[-1]
        return shares


def supported(rate: float, wrong: int) -> bool:
    """Whether so many wrong ones say anything of that false positive rate."""
    return round(rate * wrong, 6) >= EXPECTED_AT_LEAST


def draws_of_people(people: int, draws: int, seed: int) -> Iterator[NDArray[np.uint16]]:
    """The bootstrap: as many people as there are, drawn with replacement; (people,) how often each was."""
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        yield generator.multinomial(people, np.full(people, 1 / people)).astype(np.uint16)


def weights(drawn: NDArray[np.uint16], *people: People) -> NDArray[np.uint32]:
    """(n,): the product of how often each person of a score was drawn."""
    first, *others = people
    product: NDArray[np.uint32] = drawn.astype(np.uint32).take(first)
    for other in others:
        product *= drawn.take(other)
    return product


def _even(rates: Rates, count: int) -> Rates:
    spread: Rates = np.geomspace(rates[rates > 0].min(initial=1.0), 1, count)
    return spread
