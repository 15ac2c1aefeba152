"""One method's error rate over another's, both measured on the same people in each draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.error_rates.bootstrap import Draws
from faces.error_rates.interval import Interval


@dataclass(frozen=True)
class Ratio:
    """
    value: of two rates; None where the divisor is 0 and the dividend isn't.
    interval: None where too many draws have no finite ratio.
    """

    value: float | None
    interval: Interval | None

    @classmethod
    def of(cls, ours: float, theirs: float, drawn: Draws, drawn_theirs: Draws) -> Ratio:
        """Of two rates, and of the same in each draw: a draw with hard people is hard for both.

        A draw that lacks a rate, or has no error of either method, is left out.
        """
        both = np.array([drawn, drawn_theirs], dtype=np.float64)  # None becomes NaN
        with np.errstate(divide="ignore", invalid="ignore"):
            interval = Interval.of_any(both[0] / both[1])
        if interval and not np.isfinite([interval.low, interval.high]).all():
            interval = None
        if not theirs:
            return cls(None if ours else 0.0, interval)
        return cls(ours / theirs, interval)
