"""What further portraits bring: by hand-made vectors with known answers, and by vectors of known truth."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation import portrait_rows
from evaluation.portraits import COUNTS, MIXED, ROUNDS, PortraitRates, best, mean, portrait_rates
from faces.error_rates.identification import open_set, pooled, roles, search

FACES = np.array([[1, 0, 0], [0, 0, 2], [np.nan] * 3], dtype=np.float32)
PORTRAITS = np.array(
    [[0.8, 0.6, 0], [0.8, -0.6, 0], [0, 3, 0], [0, 0, 1], [np.nan] * 3, [np.nan] * 3], dtype=np.float32
)
STARTS = np.array([0, 2, 3, 5])
"""Two portraits, one, one that has a face of two, and none that has one."""


def people_with(photos: int, people: int, strangers: int, noise: float = 0.9, seed: int = 0):
    """Vectors around each person's centre, and whose they are; strangers have one photo each."""
    random = np.random.default_rng(seed)
    owners = np.concatenate([np.repeat(np.arange(people), photos), people + np.arange(strangers)])
    centres = random.normal(size=(people + strangers, 16))
    return (centres[owners] + noise * random.normal(size=(len(owners), 16))).astype(np.float32), owners


@pytest.fixture(scope="module")
def rates() -> PortraitRates:
    found = portrait_rates(*people_with(8, 40, 1000), draws=50)
    assert isinstance(found, PortraitRates)
    return found


def test_the_best_portrait_and_the_mean_of_the_unit_vectors():
    inf = np.inf
    assert best(FACES, PORTRAITS, STARTS) == pytest.approx(
        np.array([[0.8, 0, 0, -inf], [0, 0, 1, -inf], [-inf] * 4])
    )
    assert mean(FACES, PORTRAITS, STARTS) == pytest.approx(
        np.array([[1, 0, 0, -inf], [0, 0, 1, -inf], [-inf] * 4])
    )


def test_the_length_of_a_vector_has_no_weight_in_the_mean():
    longer = PORTRAITS * np.array([[1], [9], [1], [1], [1], [1]], dtype=np.float32)
    assert mean(FACES, longer, STARTS) == pytest.approx(mean(FACES, PORTRAITS, STARTS))


def test_every_row_has_the_same_searches_and_one_portrait_is_the_reference(rates):
    assert (rates.equal.people, rates.equal.strangers) == (40, 1000)
    assert rates.equal.probes == 40 * (8 - max(COUNTS))
    for gallery in (rates.equal, rates.mixed):
        first, *others = gallery.rows
        assert (first.portraits, first.over_one, first.over_best) == ("1", None, None)
        assert first.shared.fpir == pytest.approx(0.01, abs=1e-3)
        assert first.shared.fnir == pytest.approx(first.found.misses[1].fnir)
        for row in gallery.rows:
            assert (row.found.probes, row.found.unenrolled) == (first.found.probes, first.found.unenrolled)
            assert row.found.unenrolled == ROUNDS * gallery.strangers
        for row in others:
            ratio = row.over_one[1]
            assert ratio.value == pytest.approx(row.found.misses[1].fnir / first.found.misses[1].fnir)
            assert ratio.interval.low <= ratio.value <= ratio.interval.high
    assert [row.portraits for row in rates.mixed.rows] == ["1", MIXED, MIXED]


def test_where_photos_scatter_around_a_centre_the_mean_finds_it_and_more_portraits_find_it_better(rates):
    """The truth here: portraits differ from the person by noise alone, which a mean averages out."""
    fnir = {(row.portraits, row.template): row.found.misses[1].fnir for row in rates.equal.rows}
    assert fnir["5", "mean"] < fnir["2", "mean"] < fnir["1", "best"]
    over_best = next(
        row.over_best for row in rates.equal.rows if (row.portraits, row.template) == ("5", "mean")
    )
    assert over_best[1].interval.high < 1


def test_where_a_person_has_two_faces_the_best_portrait_finds_both():
    """The truth here: half of a person's photos lie at right angles to the other half, as with a mask."""
    vectors, people = people_with(12, 40, 300, noise=0.3)
    turned = np.flatnonzero((np.arange(len(people)) % 2 == 0) & (people < 40))
    vectors[turned] = np.roll(vectors[turned], 8, axis=1) * np.repeat([1, -1], 8)
    found = portrait_rates(vectors, people, draws=50)
    assert isinstance(found, PortraitRates)
    (five,) = (row for row in found.equal.rows if (row.portraits, row.template) == ("5", "mean"))
    assert five.over_best[0].value > 1


def test_an_equal_seed_gives_an_equal_result(rates):
    again = portrait_rates(*people_with(8, 40, 1000), draws=50)
    assert again.as_json() == rates.as_json()


def test_searches_of_one_gallery_are_those_of_an_evaluation_without_portraits():
    """With one round, pooling changes nothing."""
    vectors, people = people_with(2, 50, 200)
    once = search(vectors, people, roles(people))
    assert open_set(pooled([once])) == open_set(once)
    twice = open_set(pooled([once, once]))
    assert twice.misses[0].fnir == open_set(once).misses[0].fnir
    assert [misses.fnir is None for misses in twice.misses] == [False, True]  # 200 photos support no 0.01


def test_a_folder_with_too_few_people_says_so():
    found = portrait_rates(*people_with(6, 5, 100))
    assert isinstance(found, str)
    assert "5 people" in found


def test_without_strangers_only_rank_1_is_known():
    found = portrait_rates(*people_with(7, 30, 0), draws=50)
    assert isinstance(found, PortraitRates)
    for row in found.equal.rows:
        assert row.found.rank1.value > 0.5
        assert row.shared is None
        assert all(misses.fnir is None for misses in row.found.misses)
    assert "-" in portrait_rows.rows(found.equal)[1]


def test_the_table_and_the_json_have_every_row(rates):
    written = json.loads(json.dumps(rates.as_json(), allow_nan=False))
    shown = portrait_rows.rows(rates.equal)
    assert len(shown) == len(written["equal"]["rows"]) == 5
    assert {len(row) for row in shown} == {len(portrait_rows.HEADER)}
    assert written["equal"]["rows"][4]["over_best"][1]["value"] < 1
    assert "draws" not in written["equal"]["rows"][0]["misses"][0]
