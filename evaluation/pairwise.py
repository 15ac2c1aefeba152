"""How well groups agree with people, by pairs of photos (pairwise precision, recall and F-score)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.error_rates.arrays import People


@dataclass(frozen=True)
class PairwiseScore:
    """
    precision: the share of pairs in one group that show one person.
    recall: the share of pairs of one person that are in one group.
    """

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """Their harmonic mean, 0 to 1."""
        together = self.precision + self.recall
        return 2 * self.precision * self.recall / together if together else 0.0

    def as_json(self) -> dict[str, float]:
        return {"precision": round(self.precision, 4), "recall": round(self.recall, 4), "f": round(self.f, 4)}


def pairwise(groups: People, people: People) -> PairwiseScore:
    """
    Args:
        groups: (photos,); one of its own for a photo that is in no group, or without a face.
        people: (photos,).
    """
    _, group = np.unique(groups, return_inverse=True)
    _, person = np.unique(people, return_inverse=True)
    right = _pairs(group.astype(np.int64) * (int(person.max()) + 1) + person)
    grouped, same = _pairs(group), _pairs(person)
    return PairwiseScore(right / grouped if grouped else 1.0, right / same if same else 1.0)


def _pairs(numbers: People) -> int:
    """How many pairs of places have the same number."""
    counts = np.unique(numbers, return_counts=True)[1].astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())
