"""Both error rates at every threshold: the detection error trade-off (DET) of verification and search.

There are two sets of scores: right ones, which should be accepted, and wrong ones, which shouldn't. A score
is accepted at every threshold that isn't above it: -inf at none, +inf at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.error_rates.arrays import Rates, Scores

EXPECTED_AT_LEAST = 10
"""How many wrong scores a threshold has to accept for its rate to be stated: a count of n has a relative
standard error of 1/sqrt(n), at 10 a third. Doddington's rule of 30 (ISO/IEC 19795-1) is stricter: within 30 %
at 90 % confidence."""


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its error rates, 0 to 1."""

    threshold: float
    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class DetCurve:
    """
    thresholds: (n,) ascending; the last is above all scores.
    false_positive: (n,) the share of wrong ones that each threshold accepts.
    false_negative: (n,) the share of right ones that it rejects.
    """

    thresholds: Scores
    false_positive: Rates
    false_negative: Rates

    @classmethod
    def of(cls, right: Scores, wrong: Scores) -> DetCurve:
        """With every threshold that makes a difference.

        Raises:
            ValueError: no right ones, or no wrong ones.
        """
        if not len(right) or not len(wrong):
            raise ValueError("error rates need scores of both kinds")
        thresholds = thresholds_of(right, wrong)
        return cls(
            thresholds,
            (len(wrong) - np.searchsorted(np.sort(wrong), thresholds)) / len(wrong),
            np.searchsorted(np.sort(right), thresholds) / len(right),
        )

    def equal_error(self) -> OperatingPoint:
        """Where both rates are equal, interpolated between two thresholds; the nearer one is named."""
        before, after = self._crossing()
        short, over = (self.false_negative[at] - self.false_positive[at] for at in (before, after))
        part = float(-short / (over - short)) if over > short else 0.0
        rate = (1 - part) * self._mean(before) + part * self._mean(after)
        return OperatingPoint(float(self.thresholds[after if part >= 0.5 else before]), rate, rate)

    def at(self, false_positive: float) -> OperatingPoint | None:
        """The lowest threshold with at most this false positive rate; None where there is none."""
        low_enough = self.false_positive <= false_positive
        return self.point(int(np.argmax(low_enough))) if low_enough[-1] else None

    def area(self) -> float:
        """Under the ROC (AUC): the probability that a right one scores higher than a wrong one, ties half."""
        accepted = 1 - self.false_negative
        heights = (accepted[1:] + accepted[:-1]) / 2
        return float(np.sum(heights * (self.false_positive[:-1] - self.false_positive[1:])))

    def thinned(self, most: int) -> DetCurve:
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
        return DetCurve(self.thresholds[kept], self.false_positive[kept], self.false_negative[kept])

    def point(self, at: int) -> OperatingPoint:
        return OperatingPoint(
            float(self.thresholds[at]), float(self.false_positive[at]), float(self.false_negative[at])
        )

    def points(self) -> tuple[OperatingPoint, ...]:
        return tuple(self.point(at) for at in range(len(self.thresholds)))

    def _crossing(self) -> tuple[int, int]:
        """The positions between which the rates become equal."""
        after = int(np.argmax(self.false_negative >= self.false_positive))
        return max(after - 1, 0), after

    def _mean(self, at: int) -> float:
        return float(self.false_positive[at] + self.false_negative[at]) / 2


def thresholds_of(right: Scores, wrong: Scores) -> Scores:
    """(n,) ascending: every finite score, and one threshold above them all."""
    scores = np.unique(np.concatenate([right, wrong]))
    scores = scores[np.isfinite(scores)]
    highest = scores[-1] if len(scores) else scores.dtype.type(0)
    return np.append(scores, np.nextafter(highest, scores.dtype.type(np.inf)))


def supported(rate: float, wrong: int) -> bool:
    """Whether this many wrong scores are enough to state this false positive rate."""
    return round(rate * wrong, 6) >= EXPECTED_AT_LEAST


def _even(rates: Rates, count: int) -> Rates:
    spread: Rates = np.geomspace(rates[rates > 0].min(initial=1.0), 1, count)
    return spread
