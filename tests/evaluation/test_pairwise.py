"""The pairwise F-score, by hand; and the synthetic vectors of `./run bench group`."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.bench.synthetic_people import SAME, SyntheticPeople
from evaluation.pairwise import pairwise


def test_pairs_in_one_group_and_of_one_person_are_right():
    """Pairs of one person: 3 of the first and 1 of the second. In one group: 1 right, and 1 wrong."""
    score = pairwise(np.array([0, 0, -3, 1, 1, -6]), np.array([0, 0, 0, 1, 2, 1]))
    assert (score.precision, score.recall) == (1 / 2, 1 / 4)
    assert score.f == pytest.approx(1 / 3)


def test_the_right_groups_are_perfect_whatever_their_numbers_are():
    assert pairwise(np.array([7, 7, -1, 9, 9]), np.array([0, 0, 1, 2, 2])).f == 1


def test_nobody_grouped_finds_nothing():
    score = pairwise(np.arange(4), np.array([0, 0, 1, 1]))
    assert (score.precision, score.recall, score.f) == (1, 0, 0)


def test_synthetic_people_are_as_alike_as_real_ones():
    made = SyntheticPeople.of(2_000)
    assert made.vectors.shape == (2_000, 128)
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-5)
    photos = np.bincount(made.people)
    assert photos[0] > 10 * photos[-1]
    own = made.vectors[made.people == 0][:50]
    similar = (own @ own.T)[np.triu_indices(len(own), 1)]
    assert similar.mean() == pytest.approx(SAME, abs=0.05)
    assert np.array_equal(made.vectors, SyntheticPeople.of(2_000).vectors)
