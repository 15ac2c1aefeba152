"""Numbers of searches against hand-made photos, plain counting, and vectors of known truth."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from faces.error_rates.identification import Roles, Searches, open_set, roles, search
from faces.error_rates.ranking import leave_one_out, scores_of_ranks
from faces.error_rates.ratio import Ratio
from faces.error_rates.search_rates import fnir, fpir


def at_angles(*degrees):
    """Unit vectors of two dimensions; None for a photo without a face."""
    angles = [np.nan if angle is None else np.radians(angle) for angle in degrees]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def faces(rng, people, photos, noise, dims=32):
    """(photos of all, dims): each person's centre with noise; and whose they are."""
    owners = np.repeat(np.arange(people), photos)
    centres = rng.normal(size=(people, dims))
    return (centres[owners] + noise * rng.normal(size=(len(owners), dims))).astype(np.float32), owners


def searched(scores, right, false_hits):
    """Searches with these similarities; a hit of -1 where there is none."""
    scores, false_hits = np.array(scores, dtype=np.float64), np.array(false_hits, dtype=np.float64)
    return Searches(
        enrolled=len(scores),
        probes=np.arange(len(scores)),
        people=np.arange(len(scores)),
        hits=np.where(np.isinf(scores), -1, 0),
        scores=scores,
        right=np.array(right),
        unenrolled=np.arange(len(false_hits)),
        unenrolled_people=len(scores) + np.arange(len(false_hits)),
        false_hits=np.where(np.isinf(false_hits), -1, 0),
        false_hit_scores=false_hits,
        not_searched=np.array([], dtype=int),
    )


def test_people_who_lie_together_are_found_first():
    found = leave_one_out(at_angles(0, 1, 3, 90, 91), np.array([0, 0, 0, 1, 1]))
    summary = found.summary()
    assert found.nearest.tolist() == [1, 0, 1, 4, 3]
    assert (summary.photos, summary.failed) == (5, 0)
    assert [summary.rank1.value, summary.precision_at_5.value, summary.mean_average_precision.value] == [
        1,
        1,
        1,
    ]
    assert (summary.rank1.interval.low, summary.rank1.interval.high) == (1, 1)


def test_somebody_with_one_photo_is_found_but_not_searched_with():
    found = leave_one_out(at_angles(0, 10, 4), np.array([5, 5, 2]))
    assert found.photos.tolist() == [0, 1]
    assert found.nearest.tolist() == [2, 2]
    assert found.rank1.tolist() == [0, 0]
    assert found.average_precision.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([1], (1, 1, 1)),
        ([2], (0, 0, 1 / 2)),
        ([1, 3], (1, 1 / 2, (1 + 2 / 3) / 2)),
        ([1, 2, 3, 4, 5, 6, 7], (1, 1, 1)),
        ([1, 2, 6, 7, 8, 9], (1, 2 / 5, (1 + 1 + 3 / 6 + 4 / 7 + 5 / 8 + 6 / 9) / 6)),
        ([np.inf, 1], (1, 1 / 2, 1 / 2)),
        ([np.inf], (0, 0, 0)),
    ],
)
def test_one_search_is_scored_by_where_its_person_stands(ranks, expected):
    assert scores_of_ranks(np.array(ranks, dtype=float)) == pytest.approx(expected)


def test_numbers_are_those_of_sorting_every_photo():
    vectors, people = faces(np.random.default_rng(1), 15, 4, noise=1.5)
    found = leave_one_out(vectors, people)
    for photo in range(len(people)):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        order = [other for other in np.argsort(-(unit @ unit[photo])) if other != photo]
        hits = people[order] == people[photo]
        precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        assert found.nearest[photo] == order[0]
        assert found.rank1[photo] == hits[0]
        assert found.precision_at_5[photo] == pytest.approx(hits[:3].mean())
        assert found.average_precision[photo] == pytest.approx(precisions[hits].mean())
    assert 0.1 < found.rank1.mean() < 0.9


def test_a_photo_without_a_face_finds_nobody_and_is_not_found():
    found = leave_one_out(at_angles(0, 1, None, 90, 91), np.array([0, 0, 0, 1, 1]))
    assert found.failed.tolist() == [False, False, True, False, False]
    assert found.nearest.tolist() == [1, 0, -1, 4, 3]
    assert found.rank1.tolist() == [1, 1, 0, 1, 1]
    assert found.average_precision.tolist() == [0.5, 0.5, 0, 1, 1]
    assert found.summary().failed == 1


def test_where_no_photo_has_a_face_every_search_is_a_miss():
    summary = leave_one_out(at_angles(None, None, None), np.array([0, 0, 1])).summary()
    assert (summary.photos, summary.failed, summary.rank1.value) == (2, 2, 0)


def test_vectors_that_are_all_the_same_find_nobody():
    summary = leave_one_out(at_angles(5, 5, 5, 5), np.array([0, 0, 1, 1])).summary()
    assert summary.rank1.value == 0


def test_photos_are_searched_with_some_at_a_time(monkeypatch):
    vectors, people = faces(np.random.default_rng(2), 20, 3, noise=1)
    whole, sizes = leave_one_out(vectors, people), []

    def similarity(some, others):
        sizes.append(len(some))
        return -np.linalg.norm(some[:, None] - others[None], axis=2)

    monkeypatch.setattr("faces.error_rates.similarity.AT_ONCE", 7)
    assert np.array_equal(leave_one_out(vectors, people).nearest, whole.nearest)
    leave_one_out(vectors, people, similarity)
    assert max(sizes) == 7
    assert sum(sizes) == 60


def test_another_similarity_than_the_cosine_decides():
    vectors = np.array([[1, 0], [9, 1], [1, 0.3]], dtype=np.float32)
    people = np.array([0, 0, 1])
    assert leave_one_out(vectors, people).rank1.tolist() == [1, 1]
    far = leave_one_out(vectors, people, lambda a, b: 1 / (1 + np.linalg.norm(a[:, None] - b[None], axis=2)))
    assert far.rank1.tolist() == [0, 0]


def test_the_first_photo_is_enrolled_and_people_with_one_are_not():
    parts = roles(np.array([3, 1, 3, 0, 3, 1]))
    assert parts.enrolled.tolist() == [0, 1]
    assert parts.probes.tolist() == [2, 4, 5]
    assert parts.unenrolled.tolist() == [3]


def test_a_search_has_its_first_hit_among_the_enrolled():
    #                  enrolled   probes      unenrolled
    vectors = at_angles(0, 90, 10, 80, 30, 85, None)
    people = np.array([0, 1, 0, 1, 1, 2, 3])
    found = search(vectors, people, roles(people))
    assert found.probes.tolist() == [2, 3, 4]
    assert found.hits.tolist() == [0, 1, 0]
    assert found.right.tolist() == [True, True, False]
    assert found.scores == pytest.approx(np.cos(np.radians([10, 10, 30])))
    assert found.unenrolled.tolist() == [5]
    assert found.false_hits.tolist() == [1]
    assert found.false_hit_scores == pytest.approx([np.cos(np.radians(5))])
    assert found.not_searched.tolist() == [3]


def test_an_enrolled_photo_without_a_face_makes_its_persons_probes_misses():
    people = np.array([0, 1, 0, 1])
    found = search(at_angles(None, 90, 10, 80), people, roles(people))
    assert found.hits.tolist() == [1, 1]
    assert found.right.tolist() == [False, True]
    assert open_set(found).rank1.value == 0.5


def test_a_miss_is_a_wrong_first_hit_or_one_below_the_threshold():
    hits = [0.1] * 90 + [0.6] * 10
    found = open_set(searched([0.9, 0.8, 0.7, 0.55, -np.inf], [True, True, False, True, False], hits))
    tenth, hundredth = found.misses
    assert (tenth.fpir, tenth.fnir) == (0.1, pytest.approx(2 / 5))
    assert 0.1 < tenth.threshold <= 0.55
    assert (hundredth.fpir, hundredth.fnir, hundredth.threshold) == (0.01, None, None)
    assert found.rank1.value == pytest.approx(3 / 5)
    assert (found.failed_probes, found.failed_unenrolled) == (1, 0)


def test_a_rate_is_stated_only_where_ten_false_hits_are_expected():
    few, enough = (open_set(searched([0.9], [True], np.linspace(0, 0.5, n))).misses for n in (999, 1000))
    assert [miss.unenrolled_needed for miss in few] == [100, 1000]
    assert [miss.fnir for miss in few] == [0, None]
    assert [miss.fnir for miss in enough] == [0, 0]


def test_a_photo_of_an_unenrolled_person_without_a_face_is_no_search():
    """A method doesn't get a lower threshold, and fewer misses, for the faces that it fails to find."""
    angles = np.linspace(20, 60, 100)
    vectors, people = at_angles(0, 10, *angles), np.array([0, 0, *range(1, 101)])
    whole = open_set(search(vectors, people, roles(people)))
    vectors = at_angles(0, 10, *angles, *[None] * 100)
    people = np.array([0, 0, *range(1, 201)])
    half = open_set(search(vectors, people, roles(people)))
    assert (whole.unenrolled, whole.failed_unenrolled) == (100, 0)
    assert (half.unenrolled, half.failed_unenrolled) == (100, 100)
    assert half.misses[0].threshold == whole.misses[0].threshold
    assert max(point.false_positive for point in half.det) == 1


def test_a_search_without_a_hit_is_a_search_and_no_false_hit():
    hits = [-np.inf] * 50 + [*np.linspace(0.5, 0.6, 50)]
    found = open_set(searched([0.595, 0.57], [True, True], hits))
    assert (found.unenrolled, found.failed_unenrolled) == (100, 0)
    assert (np.array(hits) >= found.misses[0].threshold).sum() == 10
    assert found.misses[0].fnir == 0.5
    assert max(point.false_positive for point in found.det) == 0.5


def test_fpir_and_fnir_count_searches_at_or_above_a_threshold():
    thresholds = np.array([0.2, 0.5, 0.9])
    hits = np.array([0.5, -np.inf, 0.1, 0.9])
    assert fpir(hits, thresholds, 4).tolist() == [0.5, 0.5, 0.25]
    assert fpir(hits, thresholds, 8).tolist() == [0.25, 0.25, 0.125]
    assert fpir(hits, thresholds, 4, np.array([2.0, 1, 1, 0])).tolist() == [0.5, 0.5, 0]
    assert fnir(hits, thresholds, 4).tolist() == [0.5, 0.5, 0.75]
    assert np.isnan(fpir(hits[:0], thresholds, 0)).all()


def test_without_unenrolled_people_only_ranks_are_known():
    found = open_set(searched([0.9, 0.8], [True, False], []))
    assert found.rank1.value == 0.5
    assert [miss.fnir for miss in found.misses] == [None, None]
    assert found.det == ()


def test_where_no_photo_has_a_face_all_probes_are_missed():
    people = np.array([0, 0, 1, 1, *range(2, 102)])
    found = open_set(search(at_angles(*[None] * 104), people, roles(people)))
    assert (found.failed_probes, found.failed_unenrolled, found.rank1.value) == (2, 100, 0)
    assert (found.unenrolled, found.det) == (0, ())
    assert [miss.fnir for miss in found.misses] == [None, None]


def test_the_rate_of_known_truth_holds_for_people_never_seen():
    rng = np.random.default_rng(3)
    seen = open_set(searched([0.9], [True], rng.normal(0, 0.1, 2000)), draws=10)
    unseen = rng.normal(0, 0.1, 100_000)
    for miss in seen.misses:
        assert (unseen >= miss.threshold).mean() == pytest.approx(miss.fpir, rel=0.5)


def test_intervals_hold_the_numbers_and_the_same_seed_gives_the_same():
    rng = np.random.default_rng(4)
    vectors, people = faces(rng, 120, 3, noise=0.8)
    keep = (people < 60) | (np.arange(len(people)) % 3 == 0)
    more, others = faces(rng, 200, 1, noise=0.8)
    vectors, people = np.concatenate([vectors[keep], more]), np.concatenate([people[keep], others + 120])
    found = open_set(search(vectors, people, roles(people)), draws=100)
    tenth = found.misses[0]
    assert (found.enrolled, found.probes, found.unenrolled) == (60, 120, 260)
    assert 0 < tenth.fnir < 1
    assert tenth.interval.low < tenth.fnir < tenth.interval.high
    assert found.rank1.interval.low <= found.rank1.value <= found.rank1.interval.high
    assert open_set(search(vectors, people, roles(people)), draws=100) == found


@pytest.mark.slow
def test_intervals_of_misses_hold_the_truth():
    rng = np.random.default_rng(5)
    # A tenth of the unenrolled people, of N(0, 1), reach 1.2816; of the probes, of N(2, 1), 0.2363 don't.
    held = 0
    for _ in range(60):
        hits, scores = rng.normal(0, 1, 400), rng.normal(2, 1, 200)
        interval = open_set(searched(scores, np.full(200, True), hits), draws=80).misses[0].interval
        held += interval.low <= 0.2363 <= interval.high
    assert held >= 51


def test_misses_are_drawn_alike_for_every_method_so_that_two_can_be_divided():
    rng = np.random.default_rng(7)
    hits, scores = rng.normal(0, 1, 300), rng.normal(1.5, 1, 200)
    one, other = (
        open_set(searched(scores + shift, np.full(200, True), hits)).misses[0] for shift in (0.3, 0)
    )
    ratio = Ratio.of(one.fnir, other.fnir, one.draws, other.draws)
    assert ratio.interval.low < ratio.value < ratio.interval.high < 1
    assert one.interval.high > other.interval.low  # each alone would leave it open
    assert len(one.draws) == 200


def test_draws_have_the_same_people_where_a_method_found_no_face_on_some_photos():
    vectors, people = faces(np.random.default_rng(8), 300, 2, noise=1.2)
    keep = (people < 100) | (np.arange(len(people)) % 2 == 0)
    vectors, people = vectors[keep], people[keep]
    parts = roles(people)
    whole = open_set(search(vectors, people, parts)).misses[0]
    # The least similar photos of unenrolled people change no threshold.
    least = parts.unenrolled[np.argsort(search(vectors, people, parts).false_hit_scores)[:20]]
    vectors[least] = np.nan
    some = open_set(search(vectors, people, parts)).misses[0]
    differences = np.array(whole.draws) - np.array(some.draws)
    assert np.std(differences) < np.std(whole.draws) / 3


def test_the_probes_of_one_person_make_an_interval_wider_than_as_many_of_many():
    many = searched([0.9] * 20 + [-1.0] * 20, [True] * 40, np.zeros(100))
    few = Searches(**{**vars(many), "people": np.arange(40) // 10})
    wide, narrow = (open_set(each).misses[0].interval for each in (few, many))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_all_of_it_can_be_written_as_json():
    vectors, people = faces(np.random.default_rng(6), 30, 2, noise=1)
    vectors[5] = np.nan
    parts = roles(people)
    half = Roles(parts.enrolled[:10], parts.probes[:10], parts.probes[10:])
    for found in (open_set(search(vectors, people, half)), leave_one_out(vectors, people).summary()):
        json.dumps(asdict(found), allow_nan=False)


def test_roles_may_be_given_by_hand():
    people = np.array([0, 0, 1, 1])
    found = search(at_angles(0, 5, 90, 95), people, Roles(np.array([0]), np.array([1]), np.array([2, 3])))
    assert found.hits.tolist() == [0]
    assert found.false_hits.tolist() == [0, 0]


def test_nobody_with_two_photos_is_refused():
    people = np.array([0, 1, 2])
    for ask in (lambda: leave_one_out(at_angles(0, 1, 2), people), lambda: roles(people)):
        with pytest.raises(ValueError, match="nobody has two photos"):
            ask()
    with pytest.raises(ValueError, match="no probe"):
        open_set(searched([], np.array([], dtype=bool), [0.1]))
