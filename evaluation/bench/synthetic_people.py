"""Vectors like those of faces, as many as are wanted: people of very different numbers of photos.

The number of photos falls with the person's rank (Zipf), as in an archive of a family or a newspaper.
Similarities are spread as Facenet's are on LFW: those of one person around `SAME` with the standard deviation
`SPREAD`; those of two people around 0, with that of vectors in `DIRECTIONS` dimensions. They are not as hard:
no child grows up here, and no two people are brothers. So what is measured on them is time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.error_rates.arrays import People, Vectors

SAME, SPREAD = 0.70, 0.12
DIRECTIONS = 48
PHOTOS = 10
"""Of a person, in the mean."""
DIMS = 128


@dataclass(frozen=True)
class SyntheticPeople:
    """vectors: (n, dims), of length 1. people: (n,) numbers from 0, the one with most photos first."""

    vectors: Vectors
    people: People

    @classmethod
    def of(cls, count: int, seed: int = 1) -> SyntheticPeople:
        """
        Args:
            count: of vectors.
        """
        random = np.random.default_rng(seed)
        shares = 1 / np.arange(1, count // PHOTOS + 1)
        photos = np.maximum(1, np.round(shares / shares.sum() * count).astype(int))
        people = np.resize(np.repeat(np.arange(len(photos)), photos), count)
        random.shuffle(people)
        centres = np.zeros((len(photos), DIMS))
        centres[:, :DIRECTIONS] = _unit(random.normal(size=(len(photos), DIRECTIONS)))
        # Two vectors of one person have the similarity sqrt(a * b).
        alike = np.clip(random.normal(SAME, SPREAD, count), 0.1, 0.99)[:, np.newaxis]
        own = _unit(random.normal(size=(count, DIMS)))
        mixed = np.sqrt(alike) * centres[people] + np.sqrt(1 - alike) * own
        return cls(_unit(mixed).astype(np.float32), people)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
