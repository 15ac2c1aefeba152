"""What this project promises of its vectors, on the sample and on LFW's protocol."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.engine_search import EngineResult
from evaluation.results import FAR, MethodResult, eer_ratio, miss_ratio
from evaluation.task import Task
from faces.error_rates.interval import Interval
from faces.error_rates.ratio import Ratio

DEFAULT = "facenet"
"""The service's default method."""
BOTH, DLIB = "facenet-sface", "dlib"
FPIR = 0.01
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
    if task.sample:
        return [
            _eer(results[DEFAULT], 0.02),
            _eer_over(results, DEFAULT, "DeepFace default", 0.5),
            _eer_over(results, DEFAULT, "deepface", BELOW_1),
            Bar("rank 1 over val, through Elasticsearch", found.rank1, 1.0, False),
            _eer(results[BOTH], 0.0075),
            _eer_over(results, BOTH, DEFAULT, BELOW_1),
        ]
    if rates.verification.accuracy is None:
        return []
    kept = [
        _accuracy(results[DEFAULT], 0.994),
        Bar("rank 1, through Elasticsearch", found.rank1, 0.975, False),
        _misses_over(results, DEFAULT, "deepface", 0.65),
        _accuracy(results[BOTH], 0.995),
        _rank1(results[BOTH], 0.990),
        _true_accepts(results[BOTH], 0.990),
        _misses(results[BOTH], 0.04),
        _misses_over(results, BOTH, DEFAULT, 0.25),
        _misses(results["sface"], 0.05),
    ]
    if results[DLIB].rates:  # its network isn't fetched unasked
        kept += [_accuracy(results[DLIB], 0.985), _rank1(results[DLIB], 0.93)]
    return kept


def _eer(ours: MethodResult, limit: float) -> Bar:
    promise = f"{ours.method}: EER"
    if ours.rates is None:
        return Bar(promise, None, limit, True)
    return Bar(promise, ours.rates.verification.eer, limit, True, ours.rates.intervals.eer)


def _accuracy(ours: MethodResult, limit: float) -> Bar:
    promise = f"{ours.method}: accuracy of the folds"
    if ours.rates is None or ours.rates.verification.accuracy is None:
        return Bar(promise, None, limit, False)
    return Bar(promise, ours.rates.verification.accuracy.mean, limit, False, ours.rates.intervals.accuracy)


def _rank1(ours: MethodResult, limit: float) -> Bar:
    promise = f"{ours.method}: rank 1"
    if ours.rates is None:
        return Bar(promise, None, limit, False)
    rank1 = ours.rates.retrieval.rank1
    return Bar(promise, rank1.value, limit, False, rank1.interval)


def _true_accepts(ours: MethodResult, limit: float) -> Bar:
    return Bar(f"{ours.method}: TAR at FAR {FAR:g}, all pairs", ours.true_accepts, limit, False)


def _misses(ours: MethodResult, limit: float) -> Bar:
    promise = f"{ours.method}: FNIR at FPIR {FPIR:g}"
    found = ours.misses(FPIR)
    return Bar(promise, found.fnir, limit, True, found.interval) if found else Bar(promise, None, limit, True)


def _eer_over(results: dict[str, MethodResult], ours: str, theirs: str, limit: float) -> Bar:
    promise = f"{ours}: EER over {theirs}'s" + (", below 1" if limit == BELOW_1 else "")
    return Bar.of_ratio(promise, eer_ratio(results[ours], results[theirs]), limit)


def _misses_over(results: dict[str, MethodResult], ours: str, theirs: str, limit: float) -> Bar:
    ratio = miss_ratio(results[ours], results[theirs], FPIR)
    return Bar.of_ratio(f"{ours}: FNIR at FPIR {FPIR:g} over {theirs}'s", ratio, limit)
