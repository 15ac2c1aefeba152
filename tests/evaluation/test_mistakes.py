"""The worst pairs, and the people who are found least often, of vectors by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.mistakes import people_in_trouble, worst_pairs


def test_the_worst_pairs_come_worst_first_and_share_no_photo():
    first, second = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 3, 3])
    same = np.array([True, False, False, False, False, True])
    scores = np.array([0.3, 0.9, 0.4, 0.8, np.nan, 0.2])
    assert worst_pairs(scores, same, first, second, True, 5) == [5, 0]
    assert worst_pairs(scores, same, first, second, False, 5) == [1]
    assert worst_pairs(scores, same, first, second, True, 1) == [5]


def test_people_whose_photos_are_not_found_come_first():
    degrees = np.radians([0, 4, 50, 54, 40, 90, np.nan, np.nan])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    found = people_in_trouble(vectors, np.array([0, 0, 1, 2, 1, 3, 3, 4]))
    assert [person.number for person in found] == [3, 1, 0, 2, 4]
    by_number = {person.number: person for person in found}
    confused, clear, failed = by_number[1], by_number[0], by_number[4]
    assert (confused.searches, confused.found, confused.other) == (2, 1, 2)
    assert confused.own == pytest.approx(math.cos(math.radians(10)), abs=1e-6)
    assert confused.similarity == pytest.approx(math.cos(math.radians(4)), abs=1e-6)
    assert (clear.photos, clear.found, clear.other) == (2, 2, 1)
    assert (failed.failed, failed.searches, failed.other) == (1, 0, None)
    assert math.isnan(by_number[3].own)
    assert by_number[3].failed == 1
