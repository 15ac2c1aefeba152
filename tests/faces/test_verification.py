"""Numbers of verification against hand-made pairs, plain counting, and scores of known truth."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import erf, sqrt

import numpy as np
import pytest

from faces.error_rates.det_curve import DetCurve, supported
from faces.error_rates.ratio import Ratio
from faces.error_rates.verification import intervals, verify


def verified(same_scores, different_scores, failed_same=0, failed_different=0):
    """Of pairs with these scores, and so many more that failed."""
    right = [*same_scores, *[0.5] * failed_same]
    wrong = [*different_scores, *[0.5] * failed_different]
    failed = [False] * len(same_scores) + [True] * failed_same
    failed += [False] * len(different_scores) + [True] * failed_different
    same = np.arange(len(right) + len(wrong)) < len(right)
    return verify(np.array(right + wrong), same, np.array(failed))


def drawn_pairs(rng, people, photos, spread=0.0):
    """All pairs of people's photos: scores of one person around 2, of two around 0, all of deviation 1;
    ``spread`` is the share of one person's variance that belongs to the person."""
    owners = np.repeat(np.arange(people), photos)
    first, second = np.triu_indices(len(owners), 1)
    same = owners[first] == owners[second]
    own = 2 + sqrt(spread) * rng.normal(size=people)[owners[first]]
    noise = rng.normal(size=len(first))
    scores = np.where(same, own + sqrt(1 - spread) * noise, noise)
    return scores, same, np.zeros(len(scores), dtype=bool), owners[first], owners[second]


def normal(x):
    return (1 + erf(x / sqrt(2))) / 2


def test_people_who_are_told_apart_have_no_errors():
    found = verified([0.8, 0.9], [0.1, 0.2, 0.3])
    assert (found.auc, found.eer) == (1, 0)
    assert 0.3 < found.eer_threshold <= 0.8


def test_scores_that_say_nothing_have_half_of_everything():
    found = verified([0.5] * 4, [0.5] * 7)
    assert (found.auc, found.eer) == (0.5, 0.5)


def test_reversed_scores_are_all_wrong():
    found = verified([0.1, 0.2], [0.8, 0.9])
    assert (found.auc, found.eer) == (0, 1)


def test_rates_of_a_hand_made_example():
    found = verified([0.9, 0.8, 0.7, 0.3], [0.6, 0.4, 0.2, 0.1])
    assert found.eer == 0.25
    assert found.auc == 14 / 16
    assert [(point.threshold, point.false_positive, point.false_negative) for point in found.det[:3]] == [
        (0.1, 1, 0),
        (0.2, 0.75, 0),
        (0.3, 0.5, 0),
    ]
    assert (found.det[-1].false_positive, found.det[-1].false_negative) == (0, 1)


def test_a_tie_counts_half_in_the_area():
    assert verified([0.5, 0.9], [0.5, 0.1]).auc == (0.5 + 1 + 1 + 1) / 4


def test_between_two_thresholds_the_equal_error_is_interpolated():
    # From (far 1/2, frr 0) at 0.4 to (0, 1/3) at 0.5: equal at 1/5.
    assert verified([0.4, 0.6, 0.7], [0.4, 0.1]).eer == pytest.approx(0.2)


def test_area_and_rates_are_those_of_plain_counting():
    rng = np.random.default_rng(1)
    right, wrong = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 400).round(1)
    found = verified(right, wrong)
    wins = right[:, None] > wrong[None]
    ties = right[:, None] == wrong[None]
    assert found.auc == pytest.approx((wins + ties / 2).mean(), abs=1e-12)
    for at in found.true_accepts:
        assert (wrong >= at.threshold).mean() <= at.far
        assert (right >= at.threshold).mean() == pytest.approx(at.tar, abs=1e-12)
        lower = max(score for score in [*right, *wrong] if score < at.threshold)
        assert (wrong >= lower).mean() > at.far


def test_scores_of_known_truth_give_its_area_and_equal_error():
    rng = np.random.default_rng(2)
    found = verified(rng.normal(2, 1, 200_000), rng.normal(0, 1, 200_000))
    assert found.auc == pytest.approx(normal(2 / sqrt(2)), abs=0.002)
    assert found.eer == pytest.approx(normal(-1), abs=0.002)
    assert found.eer_threshold == pytest.approx(1, abs=0.02)
    (thousandth,) = (at for at in found.true_accepts if at.far == 1e-3)
    assert thousandth.tar == pytest.approx(normal(2 - 3.0902), abs=0.02)


def test_a_failed_pair_is_an_error_at_every_threshold():
    found = verified([0.8, 0.9, 0.85], [0.1, 0.2, 0.3, 0.15], failed_same=1, failed_different=1)
    assert (found.same, found.failed_same) == (4, 1)
    assert (found.different, found.failed_different) == (5, 1)
    assert found.auc == pytest.approx(3 / 4 * 4 / 5)
    assert {point.false_negative for point in found.det} == {0.25, 0.5, 0.75, 1}
    assert min(point.false_positive for point in found.det) == 0.2
    assert 0.2 <= found.eer <= 0.25


def test_no_threshold_gives_a_far_below_the_share_of_failed_pairs():
    found = verified(np.linspace(0.5, 1, 10), np.linspace(0, 0.4, 850), failed_different=150)
    assert [(at.far, at.tar, at.threshold) for at in found.true_accepts] == [(0.1, 0, None), (0.01, 0, None)]


def test_scores_of_failed_pairs_are_not_looked_at():
    scores = np.array([0.9, np.nan, 0.1, np.inf])
    same, failed = np.array([True, True, False, False]), np.array([False, True, False, True])
    other = verify(np.array([0.9, -5.0, 0.1, 7.0]), same, failed)
    assert verify(scores, same, failed) == other


def test_rates_are_stated_only_where_ten_false_accepts_are_expected():
    assert [at.far for at in verified([0.9], np.linspace(0, 0.5, 99)).true_accepts] == []
    assert [at.far for at in verified([0.9], np.linspace(0, 0.5, 100)).true_accepts] == [0.1]
    assert [at.far for at in verified([0.9], np.linspace(0, 0.5, 10_000)).true_accepts] == [0.1, 0.01, 0.001]
    assert supported(1e-6, 10_000_000)
    assert not supported(1e-6, 9_999_999)


def test_a_rate_that_is_met_exactly_is_met():
    found = verified([0.9, 0.35], np.arange(100) / 1000)
    assert [(at.far, at.threshold) for at in found.true_accepts] == [(0.1, 0.09)]


def test_each_folds_threshold_is_chosen_on_the_others():
    # The second fold's scores are higher: at the first fold's threshold its pair of two people is accepted.
    scores = np.array([0.3, 0.1, 0.9, 0.7])
    same = np.array([True, False, True, False])
    accuracy = verify(scores, same, np.zeros(4, bool), np.array([0, 0, 1, 1])).accuracy
    assert accuracy.thresholds == pytest.approx((0.8, 0.2))
    assert accuracy.folds == (0.5, 0.5)
    assert (accuracy.mean, accuracy.std) == (0.5, 0)


def test_accuracy_is_the_folds_mean_and_their_standard_deviation():
    scores = np.array([0.9, 0.1, 0.9, 0.1, 0.1, 0.9])
    same = np.array([True, False] * 3)
    accuracy = verify(scores, same, np.zeros(6, bool), np.array([0, 0, 1, 1, 2, 2])).accuracy
    assert accuracy.folds == (1, 1, 0)
    assert accuracy.mean == pytest.approx(2 / 3)
    assert accuracy.std == pytest.approx(sqrt((1 / 9 + 1 / 9 + 4 / 9) / 2))


def test_a_failed_pair_is_an_error_in_its_fold_and_moves_no_threshold():
    scores = np.array([0.9, 0.1, 0.9, 0.1, 0.9, 0.1])
    same, folds = np.array([True, False] * 3), np.array([0, 0, 1, 1, 2, 2])
    whole = verify(scores, same, np.zeros(6, bool), folds).accuracy
    failed = verify(scores, same, np.arange(6) == 1, folds).accuracy
    assert whole.folds == (1, 1, 1)
    assert failed.folds == (0.5, 1, 1)
    assert failed.thresholds == whole.thresholds


def test_without_two_folds_there_is_no_accuracy():
    scores, same, none = np.array([0.9, 0.1]), np.array([True, False]), np.zeros(2, bool)
    assert verify(scores, same, none).accuracy is None
    assert verify(scores, same, none, np.zeros(2, int)).accuracy is None


@pytest.mark.parametrize(
    ("same", "failed", "message"),
    [
        ([False, False], [False, False], "no pair of one person"),
        ([True, True], [False, False], "no pair of different people"),
        ([True, False], [True, True], "none of the 2 pairs has a score"),
        ([True, False, True], [False, False], "equally long"),
    ],
)
def test_pairs_that_say_nothing_are_refused(same, failed, message):
    with pytest.raises(ValueError, match=message):
        verify(np.array([0.1, 0.2]), np.array(same), np.array(failed))


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not a finite number"):
        verify(np.array([np.nan, 0.2]), np.array([True, False]), np.zeros(2, bool))


def test_the_plot_has_few_points_and_both_ends():
    rng = np.random.default_rng(3)
    det = verified(rng.normal(1, 1, 5000), rng.normal(0, 1, 50_000)).det
    assert len(det) <= 210
    assert (det[0].false_positive, det[0].false_negative) == (1, 0)
    assert (det[-1].false_positive, det[-1].false_negative) == (0, 1)
    few = [point for point in det if 0 < point.false_positive <= 1e-3]
    assert len(few) >= 20


def test_all_of_it_can_be_written_as_json():
    pairs = drawn_pairs(np.random.default_rng(15), 20, 3)
    failed = np.arange(len(pairs[0])) % 10 == 0
    folds = pairs[3] % 3
    found = verify(pairs[0], pairs[1], failed, folds)
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["eer"] == found.eer
    json.dumps(asdict(intervals(*pairs, folds, draws=20)), allow_nan=False)


def test_single_precision_gives_the_same_numbers():
    rng = np.random.default_rng(4)
    scores, same, failed, *_ = drawn_pairs(rng, 20, 3)
    exact, single = (verify(each, same, failed) for each in (scores, scores.astype(np.float32)))
    assert single.auc == pytest.approx(exact.auc, abs=1e-9)
    assert single.eer == pytest.approx(exact.eer, abs=1e-9)


def test_intervals_hold_the_numbers_and_the_same_seed_gives_the_same():
    pairs = drawn_pairs(np.random.default_rng(5), 60, 3)
    folds = pairs[3] % 2
    found, sure = verify(*pairs[:3], folds), intervals(*pairs, folds, draws=100)
    assert sure.auc.low < found.auc < sure.auc.high
    assert sure.eer.low < found.eer < sure.eer.high
    assert sure.accuracy.low < found.accuracy.mean < sure.accuracy.high
    for at, interval in zip(found.true_accepts, sure.true_accepts, strict=True):
        assert interval.low <= at.tar <= interval.high
    assert intervals(*pairs, folds, draws=100) == sure
    assert intervals(*pairs, folds, draws=100, seed=1) != sure


@pytest.mark.slow
def test_intervals_hold_the_truth_also_where_people_differ():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(60):
        sure = intervals(*drawn_pairs(rng, 60, 4, spread=0.5), draws=60)
        held += sure.auc.low <= normal(2 / sqrt(2)) <= sure.auc.high
    assert held >= 51


def test_where_people_differ_the_interval_is_wider():
    alike = intervals(*drawn_pairs(np.random.default_rng(7), 60, 5), draws=100)
    differing = intervals(*drawn_pairs(np.random.default_rng(7), 60, 5, spread=0.9), draws=100)
    assert differing.auc.high - differing.auc.low > 1.5 * (alike.auc.high - alike.auc.low)


def test_a_draw_is_what_verify_says_of_the_people_drawn_as_often():
    rng = np.random.default_rng(8)
    scores, same, failed, first, second = drawn_pairs(rng, 3, 4)
    (share,) = {intervals(scores, same, failed, first, second, draws=1, seed=9).eer.low}
    drawn = np.random.default_rng(9).multinomial(3, np.full(3, 1 / 3))
    assert (drawn > 0).sum() > 1
    often = np.where(same, drawn[first], drawn[first] * drawn[second])
    assert share == pytest.approx(verify(*(each.repeat(often) for each in (scores, same, failed))).eer)


def test_thinned_thresholds_change_an_interval_by_next_to_nothing(monkeypatch):
    pairs = drawn_pairs(np.random.default_rng(10), 80, 3)
    thin = intervals(*pairs, draws=20)
    monkeypatch.setattr("faces.error_rates.verification.RESAMPLED", 10**9)
    exact = intervals(*pairs, draws=20)
    for one, other in (
        (thin.auc, exact.auc),
        (thin.eer, exact.eer),
        (thin.true_accepts[1], exact.true_accepts[1]),
    ):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-3)


def test_people_need_no_gapless_numbers():
    scores, same, failed, first, second = drawn_pairs(np.random.default_rng(11), 10, 3)
    assert intervals(scores, same, failed, first, second, draws=20) == intervals(
        scores, same, failed, first * 7 + 3, second * 7 + 3, draws=20
    )


def test_labels_that_contradict_the_pairs_are_refused():
    scores, same, failed, first, second = drawn_pairs(np.random.default_rng(12), 3, 2)
    with pytest.raises(ValueError, match="first and second must be equal"):
        intervals(scores, ~same, failed, first, second)


def test_draws_of_one_person_alone_are_left_out():
    scores, same, failed, first, second = drawn_pairs(np.random.default_rng(13), 2, 3)
    sure = intervals(scores, same, failed, first, second, draws=50)
    assert 0 <= sure.eer.low <= sure.eer.high <= 1


def test_a_curve_can_be_thinned_without_moving_its_equal_error():
    rng = np.random.default_rng(14)
    curve = DetCurve.of(rng.normal(1, 1, 3000), rng.normal(0, 1, 30_000))
    thin = curve.thinned(300)
    assert len(thin.thresholds) < 310
    assert thin.equal_error() == curve.equal_error()
    assert thin.area() == pytest.approx(curve.area(), abs=1e-3)


def test_a_ratio_is_of_the_same_people_in_each_draw():
    scores, same, failed, first, second = drawn_pairs(np.random.default_rng(16), 40, 4, spread=0.9)
    noise = 0.3 * np.random.default_rng(17).normal(size=len(scores))
    one, other = (intervals(each, same, failed, first, second) for each in (scores, scores + noise))
    eers = [verify(each, same, failed).eer for each in (scores, scores + noise)]
    paired = Ratio.of(*eers, one.eer_draws, other.eer_draws)
    assert paired.value == pytest.approx(eers[0] / eers[1])
    assert paired.interval.low < paired.value < paired.interval.high
    unpaired = Ratio.of(*eers, one.eer_draws, other.eer_draws[1:] + other.eer_draws[:1])
    wide, narrow = (each.interval.high - each.interval.low for each in (unpaired, paired))
    assert narrow < wide / 2
    itself = Ratio.of(eers[0], eers[0], one.eer_draws, one.eer_draws)
    assert (itself.value, itself.interval.low, itself.interval.high) == (1, 1, 1)


def test_a_ratio_over_no_error_is_said_to_be_none():
    assert Ratio.of(0.1, 0.0, (0.1, 0.1), (0.0, 0.0)) == Ratio(None, None)
    assert Ratio.of(0.0, 0.0, (0.0, 0.0), (0.0, 0.0)) == Ratio(0.0, None)
    without_a_rate = Ratio.of(0.1, 0.2, (0.1, None, 0.1), (0.2, 0.1, None))
    assert (without_a_rate.value, without_a_rate.interval.low, without_a_rate.interval.high) == (
        0.5,
        0.5,
        0.5,
    )
