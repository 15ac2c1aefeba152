"""From a similarity to the probability that two photos show the same person."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faces.error_rates.arrays import Scores
from faces.error_rates.errors import CalibrationError
from faces.error_rates.labelled_vectors import LabelledVectors, Numbers

_BINS = 2000  # of similarities from -1 to 1
_RIDGE = 0.01  # a prior on the slope of 0 +- 10, in standard deviations of the similarity


@dataclass(frozen=True)
class Logistic:
    """Log odds that two photos show one person, at even prior odds: slope x similarity + offset.

    slope: above 0, so that a higher similarity is never a lower probability.
    """

    slope: float
    offset: float

    def probability(self, similarity: ArrayLike, odds: float = 1.0) -> NDArray[np.float64]:
        """That it is the same person, 0 to 1, for each similarity; NaN stays NaN.

        Args:
            odds: the prior odds, same person : different people. By Bayes' rule their logarithm is added to
                the log odds.
        """
        if not (odds > 0 and math.isfinite(odds)):
            raise ValueError(f"odds are [{odds}], not a number above 0")
        log_odds = self.slope * np.asarray(similarity, dtype=np.float64) + self.offset + math.log(odds)
        return np.asarray(_logistic(log_odds))


def logistic_map(vectors: Scores, people: ArrayLike) -> Logistic:
    """Similarity to probability, from all pairs of photos that can be compared.

    Different people: each photo is compared with every other person, whose photos share a weight of 1. The
    same person: all pairs of a person with k photos share a weight of k - 1, as in searches with one photo
    enrolled.

    Args:
        vectors: (n, dims); NaN where a photo failed.
        people: (n,) who is on each photo.

    Raises:
        CalibrationError: too few people, or photos of one person aren't more similar than photos of two.
    """
    faces = LabelledVectors.of(vectors, people)
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
    same: Scores,
    different: Scores,
    same_weights: Scores | None = None,
    different_weights: Scores | None = None,
) -> Logistic:
    """Platt's scaling (1999) by maximum likelihood, for even prior odds.

    Both kinds of pair have the same total weight, that of the rarer one, so their shares in the data don't
    matter. A weak ridge keeps the slope finite where the two kinds don't overlap. Newton's method with halved
    steps, as in Lin, Lin and Weng (2007).

    Args:
        same, different: similarities of pairs of one person, and of two; NaN where there is none.
        same_weights, different_weights: of each pair, 1 if not given.

    Raises:
        CalibrationError: one kind of pair is missing, or pairs of one person aren't more similar.
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
        raise CalibrationError(f"no pair of photos of {kind} can be compared, so there is nothing to fit")
    weights = weights * np.where(is_same, 1 / totals[0], 1 / totals[1]) * min(totals)
    values = np.where(weights > 0, values, 0)
    middle = np.average(values, weights=weights)
    spread = math.sqrt(np.average((values - middle) ** 2, weights=weights))
    slope, offset = _newton((values - middle) / (spread or 1), is_same, weights)
    if slope <= 1e-9:
        raise CalibrationError(
            "photos of one person are no more similar than photos of two people: are the names right?"
        )
    slope /= spread or 1
    return Logistic(slope, offset - slope * float(middle))


def _bins(similarities: NDArray[np.float32]) -> Numbers:
    return np.asarray(np.rint((np.clip(similarities, -1, 1) + 1) * (_BINS / 2)), dtype=np.intp)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), which tanh gives without overflow."""
    return np.asarray((1 + np.tanh(log_odds / 2)) / 2)


def _newton(
    values: NDArray[np.float64], is_same: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and offset of maximum likelihood, with a ridge on the slope."""
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
