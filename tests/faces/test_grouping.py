"""Grouping without a server: clusters of vectors, what keeps faces apart, ids that stay."""

from __future__ import annotations

import numpy as np
import pytest

from faces.grouping.clustering import clustered
from faces.grouping.marks import KEPT, SPLIT, are_apart, side, sides
from faces.grouping.names import group_ids
from faces.grouping.pairs import Pairs

LEAST = 0.5


def vectors_at(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane: the cosine of two is that of the angle between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def every_pair(count: int) -> Pairs:
    first, second = np.triu_indices(count, 1)
    return Pairs.of([(first.astype(np.int32), second.astype(np.int32), np.zeros(len(first), np.float32))])


def clusters(vectors: np.ndarray, pairs: Pairs | None = None, marks: dict | None = None) -> list[set[int]]:
    found = clustered(vectors, every_pair(len(vectors)) if pairs is None else pairs, LEAST, marks or {})
    return sorted(({int(face) for face in np.flatnonzero(found == one)} for one in np.unique(found)), key=min)


def test_faces_that_are_alike_are_one_cluster():
    assert clusters(vectors_at(0, 10, 20, 120, 130)) == [{0, 1, 2}, {3, 4}]


def test_a_chain_of_faces_is_not_one_person():
    """Each is like the next (cos 40° = 0.77), and the first and last are not alike: single linkage would join
    all of them."""
    found = clusters(vectors_at(*range(0, 360, 40)))
    assert len(found) > 2
    assert max(map(len, found)) <= 4


def test_two_clusters_join_by_the_mean_of_all_their_faces():
    """0 and 30 with 85: cos 85° and cos 55° are 0.09 and 0.57, whose mean is below 0.5."""
    assert clusters(vectors_at(0, 30, 85)) == [{0, 1}, {2}]
    assert clusters(vectors_at(30, 85)) == [{0, 1}]
    assert clusters(vectors_at(0, 30, 60)) == [{0, 1, 2}]


def test_only_pairs_that_were_found_join():
    found = Pairs.of([(np.array([0], np.int32), np.array([1], np.int32), np.zeros(1, np.float32))])
    assert clusters(vectors_at(0, 1, 2), found) == [{0, 1}, {2}]
    assert clusters(vectors_at(0, 1, 2), Pairs.of([])) == [{0}, {1}, {2}]


def test_many_copies_of_a_photo_are_one_cluster():
    """Near each copy a search finds only some of the others."""
    count, near = 500, 20
    one = np.repeat(np.arange(count), near)
    other = np.tile(np.arange(near), count)
    copies = Pairs.of([(one.astype(np.int32), other.astype(np.int32), np.ones(len(one), np.float32))])
    assert clusters(vectors_at(*[7] * count), copies) == [set(range(count))]


def test_what_is_apart_stays_apart_though_it_is_most_alike():
    """0 and 1 are of one photo: the third goes to the one that it is nearest to."""
    photo = {0: {("photo", "a"): 0}, 1: {("photo", "a"): 1}}
    assert clusters(vectors_at(0, 2, 10), marks=photo) == [{0}, {1, 2}]
    # Also through others: each of 2 and 3 could be with either.
    assert clusters(vectors_at(0, 30, 27, 3), marks=photo) == [{0, 3}, {1, 2}]


def test_no_cluster_has_two_faces_of_a_photo_whatever_the_vectors():
    random = np.random.default_rng(7)
    vectors = random.normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    marks = {face: {("photo", face // 3): face % 3} for face in range(300)}
    for cluster in clusters(vectors, marks=marks):
        photos = [face // 3 for face in cluster]
        assert len(photos) == len(set(photos))


def test_the_order_of_pairs_makes_no_difference():
    random = np.random.default_rng(3)
    vectors = random.normal(size=(200, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs, order = every_pair(200), random.permutation(200 * 199 // 2)
    mixed = Pairs.of([(pairs.second[order], pairs.first[order], pairs.similar[order])])
    assert clusters(vectors, pairs) == clusters(vectors, mixed)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({}, {("is", "Ann"): True}, False),
        ({("is", "Ann"): True, ("name", None): "Ann"}, {("is", "Ann"): True, ("name", None): "Ann"}, False),
        ({("is", "Ann"): True, ("name", None): "Ann"}, {("is", "Ben"): True, ("name", None): "Ben"}, True),
        ({("is", "Ann"): True, ("name", None): "Ann"}, {("is", "Ann"): False}, True),
        ({("is", "Ann"): False}, {("is", "Ben"): False}, False),
        ({("split", "5d2f"): KEPT}, {("split", "5d2f"): SPLIT}, True),
        ({("split", "5d2f"): KEPT}, {("split", "77aa"): SPLIT}, False),
    ],
)
def test_what_people_said_keeps_faces_apart(one, other, apart):
    assert are_apart(one, other) is are_apart(other, one) is apart


def test_a_side_of_a_split_is_read_as_it_was_written():
    assert dict(sides([side("5d2f", KEPT), side("77aa", SPLIT), "?"])) == {"5d2f": KEPT, "77aa": SPLIT}


FACES = [f"face-{number}" for number in range(6)]


def test_a_cluster_that_is_large_enough_gets_an_id_and_a_face_alone_none():
    ids = group_ids([0, 0, 2, 3, 3, None], [None] * 6, FACES, 2)
    assert ids[0] == ids[1] != ids[3] == ids[4]
    assert (ids[2], ids[5]) == (None, None)
    assert ids == group_ids([0, 0, 2, 3, 3, None], [None] * 6, FACES, 2)
    assert group_ids([0, 0, 2, 3, 3, None], [None] * 6, FACES, 3) == [None] * 6


def test_a_group_keeps_its_id_in_the_cluster_with_which_it_shares_most():
    # ga was cut in two, and its larger part has a new face.
    assert group_ids([1, 1, 1, 1, 4, 4], ["ga", "ga", "ga", None, "ga", "ga"], FACES, 2)[:4] == ["ga"] * 4
    rest = group_ids([1, 1, 1, 1, 4, 4], ["ga", "ga", "ga", None, "ga", "ga"], FACES, 2)[4:]
    assert rest[0] == rest[1] != "ga"
    # Two groups became one.
    assert group_ids([1] * 5 + [5], ["ga", "ga", "gb", "gb", "gb", None], FACES, 2) == ["gb"] * 5 + [None]


def test_no_new_group_takes_an_id_that_is_in_use():
    (first, _) = group_ids([0, 0], [None, None], FACES[:2], 2)
    # The faces of which that id is made are in another group now.
    ids = group_ids([0, 0, 2, 2], [None, None, first, first], FACES[:4], 2)
    assert ids[2:] == [first, first]
    assert ids[0] == ids[1] not in (None, first)
