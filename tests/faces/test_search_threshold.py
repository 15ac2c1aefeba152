"""The threshold for a stated FPIR, on faces of known truth.

Similarities of two people then are those of two random directions, (1 + s) / 2 ~ Beta((d - 1) / 2,
(d - 1) / 2), and the rate of false hits among N of them at a similarity is 1 - F(s)^N.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import beta
from synthetic_photos import DIMS, photographed

from faces.error_rates.errors import CalibrationError
from faces.error_rates.interval import Interval
from faces.error_rates.logistic import logistic_map
from faces.error_rates.search_threshold import search_threshold


def true_fpir(similarity: float, gallery_size: int) -> float:
    return 1 - beta((DIMS - 1) / 2, (DIMS - 1) / 2).cdf((1 + similarity) / 2) ** gallery_size


def true_similarity(fpir: float, gallery_size: int) -> float:
    return 2 * beta((DIMS - 1) / 2, (DIMS - 1) / 2).ppf((1 - fpir) ** (1 / gallery_size)) - 1


def held(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def best_hits(gallery: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """(probes,): the similarity of each probe's best hit."""
    gallery, probes = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (gallery, probes))
    return (probes @ gallery.T).max(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "each", "fpir", "gallery_size"),
    [
        pytest.param(100, 2, 0.1, 99, id="all the people at hand"),
        pytest.param(100, 2, 0.1, 50, id="half of them"),
        pytest.param(60, 4, 0.04, 20, id="several photos each"),
        pytest.param(150, 2, 0.001, 1, id="one face"),
        pytest.param(200, 2, 0.1, 500, id="more faces than people at hand"),
    ],
)
def test_a_search_has_the_stated_rate_of_false_hits(people, each, fpir, gallery_size):
    draws = 40
    found = [search_threshold(*photographed(people, each, seed), fpir, gallery_size) for seed in range(draws)]
    rates = np.array([true_fpir(one.similarity, gallery_size) for one in found])
    assert abs(rates.mean() - fpir) < 4 * rates.std() / draws**0.5

    truth = true_similarity(fpir, gallery_size)
    assert np.mean([held(one.interval, truth) for one in found]) >= 0.9
    assert np.mean([held(one.fpir_interval, rate) for one, rate in zip(found, rates, strict=True)]) >= 0.9


def groups(people: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """People of four groups, some of whom look more alike than others."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(4, DIMS)) * np.array([[0], [0.5], [1], [1.5]])
    faces = centres[random.integers(4, size=people)] + random.normal(size=(people, DIMS))
    faces = np.repeat(faces, each, axis=0)
    return faces + 0.4 * random.normal(size=faces.shape), np.repeat(np.arange(people), each)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gallery_size", "lowest"),
    [
        pytest.param(50, 0.085, id="at hand"),
        pytest.param(250, 0.04, id="more than at hand: fewer, never more"),
    ],
)
def test_the_rates_hold_on_other_people_some_of_whom_look_alike(gallery_size, lowest):
    """People differ in how often they hit falsely. The truth is what searches for other people show."""
    found = [search_threshold(*groups(150, 3, seed), 0.1, gallery_size) for seed in range(20)]
    best, own = [], []
    for seed in range(100, 140):
        (photos, _), (unenrolled, _) = groups(gallery_size, 2, seed), groups(300, 1, 1000 + seed)
        best.append(best_hits(photos[::2], unenrolled))
        one, other = (
            side / np.linalg.norm(side, axis=1, keepdims=True) for side in (photos[::2], photos[1::2])
        )
        own.append((one * other).sum(axis=1))
    fpir = np.array([np.mean(np.concatenate(best) >= one.similarity) for one in found])
    assert lowest < fpir.mean() < 0.115
    assert np.mean([one.fpir_interval.high >= rate for one, rate in zip(found, fpir, strict=True)]) >= 0.9
    fnir = np.array([np.mean(np.concatenate(own) < one.similarity) for one in found])
    assert np.mean([held(one.fnir_interval, rate) for one, rate in zip(found, fnir, strict=True)]) >= 0.85


def test_at_most_the_stated_share_of_the_searches_at_hand_hits_falsely():
    vectors, people = photographed(120, 1, seed=3)
    vectors, people = np.concatenate([vectors, vectors[:5] * 2]), np.concatenate([people, people[:5]])
    found = search_threshold(vectors, people, 0.2, 119)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    best = np.where(people[:, None] == people, -1, unit @ unit.T).max(axis=1)
    assert np.mean(best >= found.similarity) <= 0.2
    assert np.mean(best >= found.similarity - 0.02) > 0.2


def test_every_gallery_of_the_asked_size_counts_alike():
    """Against the mean over all galleries, one by one."""
    vectors, people = photographed(12, 2, seed=5)
    vectors[1::2] = vectors[::2]  # whichever is enrolled, it is the same
    found = search_threshold(vectors, people, 0.35, 3)
    unit = vectors[::2] / np.linalg.norm(vectors[::2], axis=1, keepdims=True)
    best = [
        max(float(unit[person] @ unit[other]) for other in gallery)
        for person in range(12)
        for gallery in itertools.combinations(set(range(12)) - {person}, 3)
    ]
    assert np.mean(np.array(best) >= found.similarity) <= 0.35
    next_lower = max(one for one in best if one < found.similarity)
    assert np.mean(np.array(best) >= next_lower - 1e-6) > 0.35


def test_misses_are_counted_for_each_enrolled_photo_alike():
    vectors, people = photographed(100, 2, seed=1, noise=0.9)
    found = search_threshold(vectors, people, 0.1, 50)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    own = (unit[::2] * unit[1::2]).sum(axis=1)
    assert found.fnir == pytest.approx(np.mean(own < found.similarity))
    assert 0 < found.fnir_interval.low < found.fnir < found.fnir_interval.high < 1


def test_where_nobody_is_missed_the_interval_still_leaves_room():
    found = search_threshold(*photographed(20, 15, seed=1, noise=0.1), 0.3, 19)
    assert found.fnir == 0
    assert found.fnir_interval == Interval(0, pytest.approx(0.139, abs=0.001))


def test_a_failed_photo_is_a_miss_and_no_search_for_an_unenrolled_person():
    vectors, people = photographed(100, 2, seed=1)
    whole = search_threshold(vectors, people, 0.1, 50)
    failed = vectors.copy()
    failed[:40:2] = np.nan  # one photo of twenty people
    some = search_threshold(failed, people, 0.1, 50)
    assert (some.people, some.photos, some.failed) == (100, 200, 20)
    assert 0.2 <= some.fnir <= 0.2 + whole.fnir + 0.01
    assert some.similarity == pytest.approx(whole.similarity, abs=0.03)

    # The rate is of searches, and nobody searches with a photo without a face.
    vectors, people = photographed(200, 10, seed=3)
    whole = search_threshold(vectors, people, 0.02, 100)
    vectors[np.random.default_rng(0).random(len(vectors)) < 0.5] = np.nan
    half = search_threshold(vectors, people, 0.02, 100)
    assert half.similarity == pytest.approx(whole.similarity, abs=0.012)
    assert half.false_hits < 0.6 * whole.false_hits


def test_people_without_a_face_are_missed():
    vectors, people = photographed(100, 2, seed=1)
    whole = search_threshold(vectors, people, 0.1, 50)
    nobody = vectors.copy()
    nobody[:40] = np.nan  # all photos of twenty people
    assert search_threshold(nobody, people, 0.1, 50).fnir == pytest.approx(0.2, abs=whole.fnir + 0.01)


def test_the_same_seed_gives_the_same_result():
    photos = photographed(50, 3, seed=2)
    assert search_threshold(*photos, 0.1, 20, seed=7) == search_threshold(*photos, 0.1, 20, seed=7)
    assert search_threshold(*photos, 0.1, 20, seed=7) != search_threshold(*photos, 0.1, 20, seed=8)
    assert logistic_map(*photos) == logistic_map(*photos)


def test_the_length_and_the_order_of_vectors_do_not_matter():
    vectors, people = photographed(80, 1, seed=4)
    vectors, people = np.concatenate([vectors, vectors[:9]]), np.concatenate([people, people[:9]])
    order = np.random.default_rng(0).permutation(len(people))
    names = np.array([f"person {number}" for number in people])
    one = search_threshold(vectors, people, 0.2, 60)
    other = search_threshold(vectors[order] * 0.1, names[order], 0.2, 60)
    assert other.similarity == pytest.approx(one.similarity, abs=1e-4)


def test_beyond_the_data_it_refuses_and_says_how_much_more_is_needed():
    photos = photographed(100, 2, seed=1)
    with pytest.raises(CalibrationError) as refusal:
        search_threshold(*photos, 0.01, 99)
    for fact in (
        "an FPIR of 0.01",
        "over 99 faces",
        "200 photos",
        "100 people",
        "1.5 false hits",
        "10 are needed",
        "158 people",
        "at most 14 faces",
    ):
        assert fact in str(refusal.value)
    with pytest.raises(CalibrationError):
        search_threshold(*photos, 0.01, 15)
    assert search_threshold(*photos, 0.01, 14).false_hits >= 10


@pytest.mark.parametrize(("people", "each"), [(258, 2), (100, 11)])
def test_what_it_asks_for_is_enough(people, each):
    assert search_threshold(*photographed(people, each, seed=1), 0.01, 99).false_hits >= 10


def test_many_photos_of_few_people_do_not_stand_for_a_crowd():
    few = photographed(6, 60, seed=1, noise=0.1)
    with pytest.raises(CalibrationError, match=r"over 5 faces: .* \d pairs? of people .* needed: 4"):
        search_threshold(*few, 0.1, 5)
    with pytest.raises(CalibrationError, match=r"over 15 faces, more than the 5 other .* \d pairs? .*: 10"):
        search_threshold(*few, 0.1, 15)


@pytest.mark.slow
def test_photos_in_bursts_are_refused_rather_than_taken_for_many():
    """Ten people with 200 nearly equal photos each would often give a rate that is several times too high;
    with a hundred people of two photos it is right."""
    for seed in range(10):
        with pytest.raises(CalibrationError, match=r"effective sample: .*more photos of these people"):
            search_threshold(*photographed(10, 200, seed, noise=0.1), 0.005, 9)
        found = search_threshold(*photographed(100, 2, seed, noise=0.1), 0.1, 99)
        assert found.independent < found.false_hits


def test_one_person_under_two_names_is_suspected():
    vectors, people = photographed(60, 2, seed=1)
    vectors[60:] = vectors[:60]
    with pytest.raises(CalibrationError, match=r"at a similarity of 1\.000, .*one person have two folders"):
        search_threshold(vectors, people, 0.2, 59)


@pytest.mark.parametrize("measure", [lambda *photos: search_threshold(*photos, 0.1, 10), logistic_map])
@pytest.mark.parametrize(
    ("people", "each", "missing"),
    [
        (0, 1, "a face on a photo: 0 of 0; at least 5 are needed, 5 more"),
        (1, 30, "a face on a photo: 1 of 1; at least 5 are needed, 4 more"),
        (500, 1, "a face on two photos or more: 0 of 500; at least 5 are needed, 5 more"),
    ],
)
def test_too_few_people_or_one_photo_each_is_refused(measure, people, each, missing):
    with pytest.raises(CalibrationError, match=missing):
        measure(*photographed(people, each, seed=1))


@pytest.mark.parametrize("measure", [lambda *photos: search_threshold(*photos, 0.1, 10), logistic_map])
def test_photos_without_any_face_are_refused(measure):
    vectors, people = photographed(20, 2, seed=1)
    with pytest.raises(CalibrationError, match="a face on a photo: 0 of 20"):
        measure(np.full_like(vectors, np.nan), people)


@pytest.mark.parametrize(("fpir", "gallery_size"), [(0, 10), (1, 10), (math.nan, 10), (0.1, 0)])
def test_a_rate_or_a_gallery_that_cannot_be_is_refused(fpir, gallery_size):
    with pytest.raises(ValueError, match="not"):
        search_threshold(*photographed(20, 2, seed=1), fpir, gallery_size)
