"""Vectors of labelled photos, and which of them can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faces.error_rates.arrays import Flags, Rates, Scores
from faces.error_rates.errors import CalibrationError
from faces.error_rates.search_rates import fnir

Numbers = NDArray[np.intp]

FEWEST_PEOPLE = 5
"""Intervals resample people, which says nothing with fewer."""

_BLOCK = 4_000_000  # similarities at a time


@dataclass(frozen=True)
class LabelledVectors:
    """
    vectors: (m, dims), of length 1, of the photos that have one.
    owners: (m,) whose they are, as positions in ``photos``.
    photos: (people,) how many each has, failed ones included.
    """

    vectors: NDArray[np.float32]
    owners: Numbers
    photos: Numbers

    @classmethod
    def of(cls, vectors: Scores, people: ArrayLike) -> LabelledVectors:
        """
        Args:
            vectors: (n, dims), of any length; NaN where a photo failed.
            people: (n,) who is on each photo.
        """
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
        """(people,): how many photos with a face each has, which are those that can be searched with."""
        return np.bincount(self.owners, minlength=self.people)

    @cached_property
    def has_face(self) -> Flags:
        """(people,): who has a photo that can be enrolled."""
        return np.asarray(self.searches > 0)

    @property
    def enrolled(self) -> int:
        """How many people can be enrolled."""
        return int(self.has_face.sum())

    @property
    def others(self) -> int:
        """The size of the largest gallery: everybody who can be enrolled but the person searched for."""
        return self.enrolled - 1

    @property
    def sought(self) -> Numbers:
        """(people,): searches for each person, with one photo enrolled and the others as probes."""
        return np.maximum(self.photos - 1, 0)

    def check(self) -> None:
        """
        Raises:
            CalibrationError: too few people for any number.
        """
        if self.enrolled < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on a photo: {self.enrolled} of {self.people}; at least {FEWEST_PEOPLE} "
                f"are needed, {FEWEST_PEOPLE - self.enrolled} more"
            )
        several = int((np.bincount(self.owners) > 1).sum())
        if several < FEWEST_PEOPLE:
            raise CalibrationError(
                f"people with a face on two photos or more: {several} of {self.people}; at least "
                f"{FEWEST_PEOPLE} are needed, {FEWEST_PEOPLE - several} more, to see how similar photos of "
                "one person are"
            )

    def chunks(self, columns: int) -> Iterator[slice]:
        """Photos, as many at a time as keep their similarities to ``columns`` others in memory."""
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

    def missed(self, similarity: float) -> Rates:
        """(people,): how many of the ``sought`` searches for each person miss at this threshold.

        The person's FNIR(N, N, T), where a pair is a search with either photo enrolled, times the searches. A
        pair with a failed photo has no similarity, and is a miss.
        """
        missed = self.sought.astype(np.float64)
        for person, similarities in self.own_pairs():
            pairs = self.photos[person] * (self.photos[person] - 1) / 2
            (share,) = fnir(similarities, np.array([similarity]), pairs)
            missed[person] *= share
        return missed
