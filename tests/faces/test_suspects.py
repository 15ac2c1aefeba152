"""What is suspected, and the map, of faces placed by hand."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image
from tools import landscape, picture

from faces.explore import face_map, suspects
from faces.explore.index_faces import Face, IndexFaces


def on_a_circle(
    names: list[str | None], degrees: list[float], fingerprints: list[str] | None = None
) -> IndexFaces:
    """Faces on a circle, a document each."""
    angles = np.radians(degrees)
    vectors = np.zeros((len(names), 128), dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    faces = [
        Face(
            "i", f"d{n}", f"f{n}", f"p{n}", name, (0, 0, 1, 1), 0.5, f"s{n}", (fingerprints or [None] * 99)[n]
        )
        for n, name in enumerate(names)
    ]
    return IndexFaces("i", "m", vectors, tuple(faces), len(faces))


def test_outliers_by_hand():
    faces = on_a_circle(["Ann", "Ann", "Ann", "Ann", "Ben", "Ben", None], [0, 10, 20, 90, 95, 100, 15])
    (one,) = suspects.outliers(faces)
    assert (one.face, one.name, one.other, one.typical, one.closest) == (3, "Ann", "Ben", 2, 4)
    assert one.own == pytest.approx(np.mean(np.cos(np.radians([90, 80, 70]))), abs=1e-6)
    assert one.similarity == pytest.approx(np.mean(np.cos(np.radians([5, 10]))), abs=1e-6)
    others = [np.mean(np.cos(np.radians(between))) for between in ([10, 20, 90], [10, 10, 80], [20, 10, 70])]
    assert one.usual == pytest.approx(np.median([*others, one.own]), abs=1e-6)
    assert one.score == pytest.approx(one.similarity - one.own)


def test_two_wrong_faces_of_one_person_do_not_vouch_for_each_other():
    faces = on_a_circle(["Ann"] * 5 + ["Ben"] * 3, [0, 5, 10, 92, 94, 90, 91, 93])
    assert {one.face for one in suspects.outliers(faces)} == {3, 4}


def test_people_with_two_faces_or_without_others_are_judged_with_care():
    assert suspects.outliers(on_a_circle(["Ann", "Ann", "Ben"], [0, 90, 90])) == []
    (one,) = suspects.outliers(on_a_circle(["Ann"] * 4, [0, 1, 2, 120]))
    assert (one.face, one.other, one.closest) == (3, None, None)
    assert suspects.outliers(on_a_circle([None] * 4, [0, 1, 2, 120])) == []
    assert suspects.near_duplicates(on_a_circle([None, "Ann", "Ann", "Ben"], [0, 0, 1, 60]), 0.6) == []


def test_two_names_for_one_person_are_near_duplicates_and_not_a_page_full_of_outliers():
    faces = on_a_circle(["Ann"] * 3 + ["Anne"] * 3, [0, 40, 80, 1, 41, 79])
    assert suspects.outliers(faces) == []
    assert len(suspects.near_duplicates(faces, 0.6)) == 3


def test_a_face_is_in_one_pair_only_the_most_similar_first():
    faces = on_a_circle(["Ann", "Ben", "Ben", "Cara", "Cara"], [0, 1, 4, 50, 170])
    (pair,) = suspects.near_duplicates(faces, 0.9)
    assert (pair.first, pair.second) == (0, 1)
    assert pair.similarity == pytest.approx(np.cos(np.radians(1)), abs=1e-5)


def test_blocks_change_nothing(monkeypatch):
    random = np.random.default_rng(3)
    names = [f"P{number}" for number in random.integers(0, 12, 80)]
    prints = [f"{number:016x}" for number in random.integers(0, 40, 80)]
    faces = on_a_circle(names, random.uniform(0, 360, 80).tolist(), prints)
    whole = (
        suspects.outliers(faces),
        suspects.near_duplicates(faces, 0.6),
        suspects.same_photos(faces, 1),
    )
    monkeypatch.setattr(suspects, "ROWS_AT_ONCE", 7)
    assert all(whole)
    assert (
        suspects.outliers(faces),
        suspects.near_duplicates(faces, 0.6),
        suspects.same_photos(faces, 1),
    ) == whole


def test_same_photos_by_their_bits():
    prints = ["0000000000000000", "000000000000003f", "000000000000007f", "ffffffffffffffff"]
    faces = on_a_circle(["Ann", "Ann", "Ben", "Ben"], [0, 0, 90, 90], prints)
    found = suspects.same_photos(faces)
    assert [(one.first, one.second, one.bits, one.conflict) for one in found] == [(0, 1, 6, False)]
    near = suspects.same_photos(faces, bits=7)
    assert [(one.first, one.second, one.conflict) for one in near] == [(0, 2, True), (0, 1, False)]
    assert suspects.same_photos(on_a_circle(["Ann", "Ann"], [0, 0])) == []


@pytest.mark.parametrize("count", [1, 2, 10, 11, 40])
def test_a_map_of_any_number_of_faces_is_within_its_bounds_and_always_the_same(count):
    vectors = np.random.default_rng(count).normal(size=(count, 128)).astype(np.float32)
    positions = face_map.map_2d(vectors)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()
    assert positions.min() >= 0
    assert positions.max() <= 1
    assert np.array_equal(positions, face_map.map_2d(vectors))


def test_a_map_of_one_photo_many_times():
    vectors = np.eye(128, dtype=np.float32)[:1].repeat(20, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(face_map.map_2d(vectors), np.zeros((20, 2)))


def test_a_map_of_few_faces_keeps_their_distances():
    vectors = on_a_circle([None] * 6, [0, 5, 10, 60, 65, 180]).vectors
    positions = face_map.map_2d(vectors)
    between, true = (
        np.linalg.norm(points[:, None] - points[None], axis=2)[np.triu_indices(6, 1)]
        for points in (positions, vectors)
    )
    assert np.allclose(between / true, between[0] / true[0], rtol=1e-3)


def test_marked_faces_are_drawn_first_then_everybodys_in_turn():
    faces = on_a_circle(["Ann"] * 6 + ["Ben"] * 2, list(range(8)))
    assert face_map.chosen(faces, {5}, most=4) == [5, 0, 6, 1]


def test_pictures_on_the_map_do_not_hide_each_other():
    places = np.random.default_rng(0).normal(500, 30, (60, 2)).astype(np.float32)
    apart = face_map._apart(places, 60)
    between = np.abs(apart[:, None] - apart[None]).max(axis=2)
    np.fill_diagonal(between, np.inf)
    assert between.min() > 55
    assert apart.min() >= 30
    assert (apart.max(axis=0) <= (face_map.WIDTH - 30, face_map.HEIGHT - 30)).all()


def test_a_crop_that_cannot_be_read_is_a_dot_and_a_dollar_is_a_dollar():
    faces = on_a_circle([r"$_^$", "Ben", None], [0, 90, 180])
    good = picture(landscape(64, 64))
    data = face_map.draw(faces, face_map.map_2d(faces.vectors), {0: good, 1: b"no picture"}, {0: r"$_^$?"})
    assert Image.open(io.BytesIO(data)).size == (face_map.WIDTH + face_map.LEGEND, face_map.HEIGHT)
