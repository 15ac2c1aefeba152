"""From a similarity to a probability: the logistic map against known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_photos import photographed

from faces.error_rates.errors import CalibrationError
from faces.error_rates.logistic import Logistic, fit_logistic, logistic_map


def gaussian(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities of one person's pairs and of two's, whose log odds are 17.8 s - 5.3."""
    random = np.random.default_rng(seed)
    return random.normal(0.5, 0.15, count), random.normal(0.1, 0.15, 20 * count)


def test_the_logistic_map_finds_the_truth_whatever_the_share_of_pairs():
    maps = [fit_logistic(*gaussian(500, seed)) for seed in range(40)]
    slopes, offsets = np.array([(one.slope, one.offset) for one in maps]).T
    assert abs(slopes.mean() - 0.4 / 0.15**2) < 4 * slopes.std() / 40**0.5
    assert abs(offsets.mean() + 0.24 / 2 / 0.15**2) < 4 * offsets.std() / 40**0.5


@pytest.mark.parametrize("odds", [1.0, 0.05, 4.0])
def test_probabilities_come_true_as_often_as_they_say(odds):
    """Of many fresh pairs, in each tenth of probability the share of one person's is the mean probability."""
    fitted = fit_logistic(*gaussian(20_000, seed=1))
    random = np.random.default_rng(2)
    same, count = odds / (1 + odds), 40_000
    is_same = random.random(count) < same
    probability = fitted.probability(
        np.where(is_same, *random.normal([[0.5], [0.1]], 0.15, (2, count))), odds
    )
    for low in np.arange(0, 1, 0.1):
        chosen = (low <= probability) & (probability < low + 0.1)
        said, true = probability[chosen].mean(), is_same[chosen].mean()
        assert abs(said - true) < 0.01 + 4 * math.sqrt(said * (1 - said) / chosen.sum())


def test_the_map_of_photos_is_right_on_people_it_has_not_seen():
    fitted = logistic_map(*photographed(300, 3, seed=1, noise=1.0))
    vectors, _ = photographed(1500, 2, seed=2, noise=1.0)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    same, different = (unit[::2] * unit[1::2]).sum(1), (unit[:-2:2] * unit[3::2]).sum(1)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        of_same, of_different = (
            (low <= fitted.probability(part)) & (fitted.probability(part) < low + 0.2)
            for part in (same, different)
        )
        said = np.concatenate(
            [fitted.probability(same)[of_same], fitted.probability(different)[of_different]]
        )
        share = of_same.sum() / len(said)
        assert abs(said.mean() - share) < 0.05 + 4 * math.sqrt(share * (1 - share) / len(said))


def test_a_higher_similarity_is_never_a_lower_probability():
    fitted = fit_logistic(*gaussian(500, seed=1))
    probability = fitted.probability(np.linspace(-1, 1, 2001))
    assert (np.diff(probability) >= 0).all()
    assert probability[0] >= 0
    assert probability[-1] <= 1
    assert np.isnan(fitted.probability(np.nan))


def test_the_odds_before_are_the_odds_at_a_similarity_that_says_nothing():
    fitted = Logistic(slope=20.0, offset=-9.0)
    assert fitted.probability(0.45) == pytest.approx(0.5)
    assert fitted.probability(0.45, odds=1 / 999) == pytest.approx(0.001)
    with pytest.raises(ValueError, match="odds"):
        fitted.probability(0.45, odds=0)


@pytest.mark.parametrize("gap", [0.01, 0.5, 1.9])
def test_people_who_are_far_apart_give_a_finite_map(gap):
    same, different = np.full(30, gap / 2), np.full(400, -gap / 2)
    fitted = fit_logistic(same, different)
    assert 0.95 < fitted.probability(gap / 2) < 1
    assert 0 < fitted.probability(-gap / 2) < 0.05
    assert fitted.probability(0) == pytest.approx(0.5, abs=0.01)


def test_pairs_that_could_not_be_compared_change_no_probability():
    same, different = gaussian(200, seed=1)
    failed = np.full(50, np.nan)
    fitted = fit_logistic(np.concatenate([failed, same]), np.concatenate([different, failed]))
    whole = fit_logistic(same, different)
    assert fitted.slope == pytest.approx(whole.slope)
    assert fitted.offset == pytest.approx(whole.offset)


def test_a_weight_is_as_good_as_that_many_pairs():
    same, different = gaussian(100, seed=1)
    weighted = fit_logistic(same, different, np.full(100, 3.0), np.arange(2000) % 3)
    repeated = fit_logistic(np.tile(same, 3), np.repeat(different, np.arange(2000) % 3))
    assert weighted.slope == pytest.approx(repeated.slope)
    assert weighted.offset == pytest.approx(repeated.offset)


def test_names_that_say_nothing_about_faces_give_no_map():
    with pytest.raises(CalibrationError, match="no more similar"):
        fit_logistic(np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    with pytest.raises(CalibrationError, match="no pair of photos of one person"):
        fit_logistic(np.array([np.nan]), np.array([0.3, 0.4]))
    with pytest.raises(CalibrationError, match="no pair of photos of two people"):
        fit_logistic(np.array([0.3]), np.array([]))
