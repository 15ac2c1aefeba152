"""Calibration on faces of known truth: people are points on a sphere, photos are points near them.

Strangers' similarities then are those of two random directions, (1 + s) / 2 ~ Beta((d - 1) / 2, (d - 1) / 2),
and the rate of false hits among N of them at a similarity is 1 - F(s)^N.
"""

from __future__ import annotations

import itertools
import json
import math
from datetime import date

import numpy as np
import pytest
from scipy.stats import beta
from tools import folder_of

from faces.calibration.measure import measure, require_enough
from faces.calibration.record import Calibration
from faces.error_rates.errors import CalibrationError
from faces.error_rates.logistic import Logistic, fit_logistic, logistic_map
from faces.error_rates.search_threshold import Interval, search_threshold
from faces.labelled_photos import read
from faces.photo_vectors import Embedded
from ingest_service.verdicts import Thresholds

DIMS = 16
MADE = date(2025, 3, 1)


def photographed(people: int, each: int, seed: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (people x each, dims) of any length, and who is on them."""
    random = np.random.default_rng(seed)
    faces = random.normal(size=(people, DIMS))
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    vectors = np.repeat(faces, each, axis=0) + random.normal(size=(people * each, DIMS)) * noise / DIMS**0.5
    return (11.8 * vectors).astype(np.float32), np.repeat(np.arange(people), each)


def true_fpir(similarity: float, gallery_size: int) -> float:
    return 1 - beta((DIMS - 1) / 2, (DIMS - 1) / 2).cdf((1 + similarity) / 2) ** gallery_size


def true_similarity(fpir: float, gallery_size: int) -> float:
    return 2 * beta((DIMS - 1) / 2, (DIMS - 1) / 2).ppf((1 - fpir) ** (1 / gallery_size)) - 1


def held(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def best_of_strangers(gallery: np.ndarray, probes: np.ndarray) -> np.ndarray:
    gallery, probes = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (gallery, probes))
    return (probes @ gallery.T).max(axis=1)


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


@pytest.mark.parametrize(
    ("gallery_size", "lowest"),
    [
        pytest.param(50, 0.085, id="at hand"),
        pytest.param(250, 0.04, id="more than at hand: fewer, never more"),
    ],
)
def test_the_rates_hold_on_other_people_some_of_whom_look_alike(gallery_size, lowest):
    """Strangers differ in how often they hit. The truth is what other people's searches show."""
    found = [search_threshold(*groups(150, 3, seed), 0.1, gallery_size) for seed in range(20)]
    best, own = [], []
    for seed in range(100, 140):
        (photos, _), (strangers, _) = groups(gallery_size, 2, seed), groups(300, 1, 1000 + seed)
        best.append(best_of_strangers(photos[::2], strangers))
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
        max(float(unit[stranger] @ unit[other]) for other in gallery)
        for stranger in range(12)
        for gallery in itertools.combinations(set(range(12)) - {stranger}, 3)
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


def test_a_failed_photo_is_a_miss_and_no_search_of_a_stranger():
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
    assert str(refusal.value) == (
        "an FPIR of 0.01 in a search over 99 faces: 200 photos with a face, of 100 people, would show 1.5 "
        "false hits, and 10 are needed. Bring about 158 people more, with as many photos each; or ask for at "
        "most 14 faces"
    )
    with pytest.raises(CalibrationError):
        search_threshold(*photos, 0.01, 15)
    assert search_threshold(*photos, 0.01, 14).false_hits >= 10


@pytest.mark.parametrize(("people", "each"), [(258, 2), (100, 11)])
def test_what_it_asks_for_is_enough(people, each):
    assert search_threshold(*photographed(people, each, seed=1), 0.01, 99).false_hits >= 10


def test_many_photos_of_few_people_do_not_stand_for_a_crowd():
    few = photographed(6, 60, seed=1, noise=0.1)
    with pytest.raises(
        CalibrationError, match=r"over 5 faces: the false hits are of \d pairs? of people, and"
    ):
        search_threshold(*few, 0.1, 5)
    with pytest.raises(
        CalibrationError, match=r"more than the 5 others at hand: the false hits are of \d pair"
    ):
        search_threshold(*few, 0.1, 15)


def test_photos_in_bursts_are_refused_rather_than_taken_for_many():
    """Ten people with 200 photos each that are all but alike would often give a rate that is several times
    too high; of a hundred people with two, it is right."""
    for seed in range(10):
        with pytest.raises(CalibrationError, match="more photos of these people don't help"):
            search_threshold(*photographed(10, 200, seed, noise=0.1), 0.005, 9)
        found = search_threshold(*photographed(100, 2, seed, noise=0.1), 0.1, 99)
        assert found.independent < found.false_hits


def test_one_person_under_two_names_is_suspected():
    vectors, people = photographed(60, 2, seed=1)
    vectors[60:] = vectors[:60]
    with pytest.raises(CalibrationError, match=r"at a similarity of 1\.000, as of one photo twice"):
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
def test_too_few_people_or_one_photo_each_is_said(measure, people, each, missing):
    with pytest.raises(CalibrationError, match=missing):
        measure(*photographed(people, each, seed=1))


@pytest.mark.parametrize("measure", [lambda *photos: search_threshold(*photos, 0.1, 10), logistic_map])
def test_a_folder_in_which_no_face_is_found_is_said(measure):
    vectors, people = photographed(20, 2, seed=1)
    with pytest.raises(CalibrationError, match="a face on a photo: 0 of 20"):
        measure(np.full_like(vectors, np.nan), people)


@pytest.mark.parametrize(("fpir", "gallery_size"), [(0, 10), (1, 10), (math.nan, 10), (0.1, 0)])
def test_a_rate_or_a_gallery_that_cannot_be_is_refused(fpir, gallery_size):
    with pytest.raises(ValueError, match="not"):
        search_threshold(*photographed(20, 2, seed=1), fpir, gallery_size)


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
    with pytest.raises(CalibrationError, match="no more alike"):
        fit_logistic(np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    with pytest.raises(CalibrationError, match="no pair of photos of one person"):
        fit_logistic(np.array([np.nan]), np.array([0.3, 0.4]))
    with pytest.raises(CalibrationError, match="no pair of photos of two people"):
        fit_logistic(np.array([0.3]), np.array([]))


def calibration() -> Calibration:
    photos = photographed(60, 3, seed=1)
    return Calibration.of("facenet-fb6176c8", search_threshold(*photos, 0.1, 30), logistic_map(*photos), MADE)


def test_a_calibration_is_read_as_it_was_stored():
    made = calibration()
    meta = json.loads(json.dumps(made.as_meta()))
    assert Calibration.from_meta(meta | {"by": "a later version"}, "facenet-fb6176c8") == made
    assert list(meta) == [
        "model", "similarity", "fpir", "gallery_size", "fnir", "logistic", "data", "made",
    ]  # fmt: skip
    assert meta["data"] == {"people": 60, "photos": 180}
    assert meta["made"] == "2025-03-01"


def test_strong_is_the_stated_rate_and_possible_an_even_chance_but_never_above_it():
    stored = calibration().as_meta()
    above, below = {"slope": 20.0, "offset": -9.0}, {"slope": 20.0, "offset": -13.0}
    lines = [
        Calibration.from_meta(stored | {"similarity": 0.6, "logistic": logistic}, stored["model"]).thresholds
        for logistic in (above, below)
    ]
    assert lines == [
        Thresholds(strong=0.6, possible=pytest.approx(0.45)),
        Thresholds(strong=0.6, possible=0.6),
    ]
    assert Calibration.from_meta(stored | {"logistic": above}, stored["model"]).probability(
        0.45
    ) == pytest.approx(0.5)


def test_photos_of_which_none_has_a_face_say_how_many_people_are_needed(tmp_path):
    names = [f"{person}/{number}.jpg" for person in "abcdef" for number in range(9)]
    folder = read(folder_of(tmp_path, *names))
    require_enough(folder, 0.3, 4)
    with pytest.raises(CalibrationError, match="a face on a photo: 0 of 6; at least 5 are needed"):
        measure(folder, [Embedded()] * len(names), "m", 0.3, 4)
    with pytest.raises(CalibrationError, match=r"would show 1\.9 false hits, and 10"):
        require_enough(folder, 0.03, 4)


def test_a_calibration_of_another_model_is_refused():
    with pytest.raises(CalibrationError, match=r"is of model \[facenet-fb6176c8\], not of \[dlib-1\]"):
        Calibration.from_meta(calibration().as_meta(), "dlib-1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, r"\[model\] is \[None\], not text"),
        ({"similarity": "high"}, r"\[similarity\] is \[high\], not a number"),
        ({"similarity": 1.5}, r"\[similarity\] is \[1.5\], not from -1 to 1"),
        ({"logistic": {"slope": 10**400, "offset": 0}}, r"\[logistic.slope\] is \[10+\], not a number"),
        ({"similarity": math.nan}, r"\[similarity\] is \[nan\], not a number"),
        ({"fpir": True}, r"\[fpir\] is \[True\], not a number"),
        ({"fnir": -0.1}, r"\[fnir\] is \[-0.1\], not from 0 to 1"),
        ({"gallery_size": 10.5}, r"\[gallery_size\] is \[10.5\], not a whole number of 1 or more"),
        ({"logistic": {"slope": -3, "offset": 0}}, r"\[logistic.slope\] is \[-3\]"),
        ({"logistic": {"slope": 3}}, r"\[logistic.offset\] is \[None\], not a number"),
        ({"data": []}, r"\[data.people\] is \[None\], not a whole number"),
        ({"made": "yesterday"}, r"\[made\] is \[yesterday\], not a day such as"),
    ],
)
def test_a_stored_value_that_cannot_be_is_named(change, message):
    with pytest.raises(CalibrationError, match=message):
        Calibration.from_meta(calibration().as_meta() | change, "facenet-fb6176c8")


@pytest.mark.parametrize("meta", [None, {}, "0.6", [1]])
def test_what_is_no_calibration_is_refused(meta):
    with pytest.raises(CalibrationError, match="calibrate again"):
        Calibration.from_meta(meta, "facenet-fb6176c8")
