"""What this project promises of its vectors, on the sample and on LFW's protocol."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.engine_search import EngineResult
from evaluation.results import MethodResult, eer_ratio, miss_ratio
from evaluation.task import Task
from faces.error_rates.interval import Interval
from faces.error_rates.ratio import Ratio

DEFAULT = "facenet"
"""The service's default method."""
BELOW_1 = float(np.nextafter(1, 0))


@dataclass(frozen=True)
class Bar:
    """A promise, and whether it is kept.

    interval: of ``measured``, if that has one.
    """

    promise: str
    measured: float | None
    limit: float
    at_most: bool
    interval: Interval | None = None

    @classmethod
    def of_ratio(cls, promise: str, ratio: Ratio | None, limit: float) -> Bar:
        """At most ``limit`` times another method's rate; not kept without a ratio."""
        if ratio is None:
            return cls(promise, None, limit, True)
        return cls(promise, ratio.value, limit, True, ratio.interval)

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        return bool(self.measured <= self.limit if self.at_most else self.measured >= self.limit)

    @property
    def verdict(self) -> str:
        return "kept" if self.passed else "NOT KEPT"

    @property
    def measurement(self) -> str:
        """With its interval: ``0.5200 (0.4500, 0.5900)``."""
        if self.measured is None:
            return "-"
        spread = f" ({self.interval.low:.4f}, {self.interval.high:.4f})" if self.interval else ""
        return f"{self.measured:.4f}{spread}"

    @property
    def bound(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.limit:.4f}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def bars(task: Task, results: dict[str, MethodResult], found: EngineResult) -> list[Bar]:
    """The promises of the sample, or of LFW's folds; none of other folders."""
    rates = results[DEFAULT].rates
    assert rates is not None
    ours, sure = rates.verification, rates.intervals
    if task.sample:
        over_default = eer_ratio(results[DEFAULT], results["DeepFace default"])
        over_profile = eer_ratio(results[DEFAULT], results["deepface"])
        return [
            Bar("EER", ours.eer, 0.02, True, sure.eer),
            Bar.of_ratio("EER over that of DeepFace's defaults", over_default, 0.5),
            Bar.of_ratio("EER over the deepface profile's, below 1", over_profile, BELOW_1),
            Bar("rank 1 over val, through Elasticsearch", found.rank1, 1.0, False),
        ]
    if ours.accuracy is None:
        return []
    kept = [
        Bar("accuracy of the folds", ours.accuracy.mean, 0.994, False, sure.accuracy),
        Bar("rank 1, through Elasticsearch", found.rank1, 0.975, False),
    ]
    for name, share in ((DEFAULT, 0.65), (f"{DEFAULT}-thorough", 0.5)):
        if name in results and results["deepface"].misses(0.01):
            promise = f"{name}: FNIR at FPIR 0.01 over the deepface profile's"
            kept.append(Bar.of_ratio(promise, miss_ratio(results[name], results["deepface"], 0.01), share))
    return kept
