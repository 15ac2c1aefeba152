"""Labelled photos as vectors, and what of them can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faces.error_rates.errors import CalibrationError

Floats = NDArray[np.floating[Any]]
Numbers = NDArray[np.intp]

FEWEST_PEOPLE = 5
"""Intervals resample people, which says nothing with fewer."""

_BLOCK = 4_000_000  # similarities at a time


@dataclass(frozen=True)
class Faces:
    """
    vectors: unit, (m, dims), of the photos that have one.
    owners: (m,), whose they are, as places in ``photos``.
    photos: (people,), how many each has, failed ones too.
    """

    vectors: NDArray[np.float32]
    owners: Numbers
    photos: Numbers

    @classmethod
    def of(cls, vectors: Floats, people: ArrayLike) -> Faces:
        labels = np.asarray(people)
        if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
            raise ValueError(f"vectors of shape {vectors.shape} for people of shape {labels.shape}")
        names, owners = np.unique(labels, return_inverse=True)
        lengths = np.linalg.norm(vectors, axis=1)
        readable = np.isfinite(lengths) & (lengths > 0)
        unit = vectors[readable] / lengths[readable, np.newaxis]
        return cls(unit.astype(np.float32), owners[readable], np.bincount(owners, minlength=len(names)))

    @property
    def people(self) -> int:
        return len(self.photos)

    @property
    def total(self) -> int:
        return int(self.photos.sum())

    @cached_property
    def searches(self) -> Numbers:
        """(people,), how many photos with a face each has: what can be searched with."""
        return np.bincount(self.owners, minlength=self.people)

    @cached_property
    def has_face(self) -> NDArray[np.bool_]:
        """(people,), who has a photo that can be enrolled."""
        return np.asarray(self.searches > 0)

    @property
    def enrolled(self) -> int:
        """People who can be."""
        return int(self.has_face.sum())

    @property
    def others(self) -> int:
        """The largest gallery at hand: all but the one who searches."""
        return self.enrolled - 1

    def check(self) -> None:
        """Raises CalibrationError where there are too few people for any number."""
        if self.enrolled < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on a photo: {self.enrolled} of {self.people}; at least {FEWEST_PEOPLE} "
                f"are needed, {FEWEST_PEOPLE - self.enrolled} more"
            )
        several = int((np.bincount(self.owners) > 1).sum())
        if several < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on two photos or more: {several} of {self.people}; at least "
                f"{FEWEST_PEOPLE} are needed, {FEWEST_PEOPLE - several} more, to see how alike they are"
            )

    def chunks(self, columns: int) -> Iterator[slice]:
        """Photos, so many at a time that their similarities to ``columns`` others fit into memory."""
        step = max(1, _BLOCK // columns)
        for start in range(0, len(self.vectors), step):
            yield slice(start, start + step)

    def own_pairs(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Each person with two photos or more, and the similarity of each pair of them."""
        order = np.argsort(self.owners, kind="stable")
        starts = np.searchsorted(self.owners[order], np.arange(self.people + 1))
        for person in np.flatnonzero(np.diff(starts) > 1):
            own = self.vectors[order[starts[person] : starts[person + 1]]]
            yield int(person), (own @ own.T)[np.triu_indices(len(own), 1)]

    def missed(self, similarity: float) -> NDArray[np.float64]:
        """(people,), how many of the k - 1 searches for somebody of k photos miss, whichever is enrolled.

        The mean over which one is: of k (k - 1) / 2 pairs each counts 2 / k, and one with a failed photo
        is a miss.
        """
        found = np.zeros(self.people)
        for person, similarities in self.own_pairs():
            found[person] = (similarities >= similarity).sum() * 2 / self.photos[person]
        return np.asarray(np.maximum(self.photos - 1, 0) - found)
