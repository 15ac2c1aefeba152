"""Do two photos show one person? Error rates of a method from the scores of labelled pairs.

A pair with a photo without a face has failed, and is an error at every threshold: rejected if it is of one
person, accepted if it is of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Rates, Scores
from faces.error_rates.bootstrap import Draws, ResampledScores, draws_of_people, weights
from faces.error_rates.det_curve import DetCurve, OperatingPoint, supported
from faces.error_rates.interval import Interval

FALSE_ACCEPT_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
PLOTTED = 200
RESAMPLED = 4000
"""Thresholds at which each draw of the bootstrap is counted: exactly there, interpolated in between."""


@dataclass(frozen=True)
class Accuracy:
    """
    mean: over the folds, of the share of pairs that are judged correctly.
    std: the folds' standard deviation, of a sample (k - 1); divided by sqrt(k) it is LFW's standard error.
    folds, thresholds: of each fold, the threshold chosen on all others.
    """

    mean: float
    std: float
    folds: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class TrueAccepts:
    """
    far: the highest share of pairs of two people that may be accepted.
    tar: the share of pairs of one person that is accepted at that FAR.
    threshold: None where failed pairs alone exceed ``far``; ``tar`` is 0 then.
    """

    far: float
    tar: float
    threshold: float | None


@dataclass(frozen=True)
class Verification:
    """
    same, different: number of pairs; failed_same, failed_different: those of them without a score.
    accuracy: None without two folds.
    eer: the rate where FAR and FRR are equal, and its threshold.
    true_accepts: at the FARs that the number of pairs supports: at least 10 false accepts expected.
    det: for a plot, thinned.
    """

    same: int
    different: int
    failed_same: int
    failed_different: int
    accuracy: Accuracy | None
    auc: float
    eer: float
    eer_threshold: float
    true_accepts: tuple[TrueAccepts, ...]
    det: tuple[OperatingPoint, ...]


@dataclass(frozen=True)
class Intervals:
    """Of the numbers of a ``Verification``, in its order; None where no draw gave one.

    eer_draws: the EER in each draw, to be set beside another method's.
    """

    accuracy: Interval | None
    auc: Interval | None
    eer: Interval | None
    true_accepts: tuple[Interval | None, ...]
    eer_draws: Draws


def verify(scores: Scores, same: Flags, failed: Flags, folds: Positions | None = None) -> Verification:
    """
    scores: (pairs,) the higher, the more alike; not looked at where ``failed``.
    same: (pairs,) both photos are of one person.
    folds: (pairs,) the fold of each pair, for accuracy.

    Raises:
        ValueError: pairs of one kind only, all failed, a score that is no number, arrays of unequal length.
    """
    _check(scores, same, failed, folds)
    right, wrong = _sides(scores, same, failed)
    curve = DetCurve.of(right, wrong)
    equal = curve.equal_error()
    return Verification(
        same=len(right),
        different=len(wrong),
        failed_same=int(np.sum(failed & same)),
        failed_different=int(np.sum(failed & ~same)),
        accuracy=_accuracy(scores, same, failed, folds),
        auc=curve.area(),
        eer=equal.false_positive,
        eer_threshold=equal.threshold,
        true_accepts=tuple(_true_accepts(curve, far) for far in _supported_rates(len(wrong))),
        det=curve.thinned(PLOTTED).points(),
    )


def intervals(
    scores: Scores,
    same: Flags,
    failed: Flags,
    first: People,
    second: People,
    folds: Positions | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Intervals:
    """Intervals of the numbers of ``verify``, by a bootstrap over people.

    A pair of two people has the weight of both resample counts multiplied; a pair of one person that person's
    count, since a person's copies make no pairs with each other.

    first, second: (pairs,) the people of each pair, as numbers.

    Raises:
        ValueError: as ``verify``; labels that don't fit ``same``.
    """
    _check(scores, same, failed, folds)
    if not np.array_equal(first == second, same):
        raise ValueError("first and second must be equal where same is true, and nowhere else")
    first, second, people = _numbered(first, second)
    right, wrong = _sides(scores, same, failed)
    grid = DetCurve.of(right, wrong).thinned(RESAMPLED).thresholds
    rights = ResampledScores.of(grid, right, first[same])
    wrongs = ResampledScores.of(grid, wrong, first[~same], second[~same])
    rates = _supported_rates(len(wrong))
    accuracies, areas, equals, accepts = [], [], [], []
    for drawn in draws_of_people(people, draws, seed):
        curve = DetCurve(grid, wrongs.accepted(drawn), 1 - rights.accepted(drawn))
        if np.isnan(curve.false_positive[0] + curve.false_negative[0]):
            continue
        areas.append(curve.area())
        equals.append(curve.equal_error().false_positive)
        accepts.append([_true_accepts(curve, far).tar for far in rates])
        if folds is not None:
            counted = np.where(same, drawn[first], weights(drawn, first, second)).astype(np.float64)
            accuracy = _accuracy(scores, same, failed, folds, counted)
            accuracies.append(accuracy.mean if accuracy else np.nan)
    return Intervals(
        Interval.of_any(accuracies),
        Interval.of_any(areas),
        Interval.of_any(equals),
        tuple(Interval.of_any([each[at] for each in accepts]) for at in range(len(rates))),
        tuple(equals),
    )


def _check(scores: Scores, same: Flags, failed: Flags, folds: Positions | None) -> None:
    if not len(scores) == len(same) == len(failed) == (len(scores) if folds is None else len(folds)):
        raise ValueError("scores, same, failed and folds must be equally long, one entry a pair")
    if not same.any():
        raise ValueError("there is no pair of one person: a person needs two photos")
    if same.all():
        raise ValueError("there is no pair of different people: there have to be two of them")
    if failed.all():
        raise ValueError(f"none of the {len(scores)} pairs has a score: each has a photo without a face")
    if not np.isfinite(scores[~failed]).all():
        raise ValueError("a score is not a finite number, though its pair has not failed")


def _sides(scores: Scores, same: Flags, failed: Flags) -> tuple[Scores, Scores]:
    """Scores of pairs of one person, and of two; failed ones are -inf and inf, so that they are errors."""
    scored = np.where(failed, np.where(same, -np.inf, np.inf).astype(scores.dtype), scores)
    return scored[same], scored[~same]


def _supported_rates(different: int) -> tuple[float, ...]:
    return tuple(far for far in FALSE_ACCEPT_RATES if supported(far, different))


def _true_accepts(curve: DetCurve, far: float) -> TrueAccepts:
    point = curve.at(far)
    return (
        TrueAccepts(far, 1 - point.false_negative, point.threshold) if point else TrueAccepts(far, 0.0, None)
    )


def _accuracy(
    scores: Scores,
    same: Flags,
    failed: Flags,
    folds: Positions | None,
    counted: Rates | None = None,
) -> Accuracy | None:
    """``counted``: how often each pair counts; once if None. A fold without such a pair is left out."""
    if folds is None or len(np.unique(folds)) < 2:
        return None
    counted = np.ones(len(scores)) if counted is None else counted
    shares, thresholds = [], []
    for fold in np.unique(folds):
        tested, trained = folds == fold, (folds != fold) & ~failed
        threshold = _best_threshold(scores[trained].astype(np.float64), same[trained], counted[trained])
        correct = ((scores.astype(np.float64) >= threshold) == same) & ~failed
        if counted[tested].any():
            shares.append(float(np.average(correct[tested], weights=counted[tested])))
            thresholds.append(threshold)
    std = float(np.std(shares, ddof=1)) if len(shares) > 1 else float("nan")
    return Accuracy(float(np.mean(shares)), std, tuple(shares), tuple(thresholds)) if shares else None


def _best_threshold(scores: Rates, same: Flags, counted: Rates) -> float:
    """The one that judges most pairs correctly: midway between two scores, the middle one of equally good."""
    if not len(scores):
        return float("inf")
    order = np.argsort(scores)
    ordered = scores[order]
    gains = np.where(same[order], -counted[order], counted[order])
    correct = np.concatenate([[0.0], np.cumsum(gains)])
    cuts = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1], [True]]))
    best = cuts[correct[cuts] == correct[cuts].max()]
    cut = int(best[(len(best) - 1) // 2])
    if cut in (0, len(ordered)):
        return float(ordered[0]) if cut == 0 else float(np.nextafter(ordered[-1], np.inf))
    return float(np.clip((ordered[cut - 1] + ordered[cut]) / 2, np.nextafter(ordered[cut - 1], np.inf), None))


def _numbered(first: People, second: People) -> tuple[People, People, int]:
    """People of the pairs, numbered without gaps, and how many they are."""
    present = np.union1d(first, second)
    return np.searchsorted(present, first), np.searchsorted(present, second), len(present)
