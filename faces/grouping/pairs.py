"""Pairs of faces, or of clusters, with their similarity: a sparse graph as three arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
"""Faces, or clusters, as numbers from 0."""


@dataclass(frozen=True)
class Pairs:
    """
    first, second: (pairs,), the lower number first.
    similar: (pairs,), a cosine, or the mean of several.
    """

    first: Numbers
    second: Numbers
    similar: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, parts: Sequence[tuple[Numbers, Numbers, NDArray[np.float32]]]) -> Pairs:
        """Of arrays of pairs, in either order."""
        if not parts:
            none = np.empty(0, dtype=np.int32)
            return cls(none, none, np.empty(0, dtype=np.float32))
        one, other, similar = (np.concatenate(each) for each in zip(*parts, strict=True))
        return cls(np.minimum(one, other), np.maximum(one, other), similar)

    def __len__(self) -> int:
        return len(self.first)

    def ends(self) -> Iterator[tuple[int, int]]:
        return zip(self.first.tolist(), self.second.tolist(), strict=True)

    def where(self, wanted: NDArray[np.bool_] | NDArray[np.intp]) -> Pairs:
        return Pairs(self.first[wanted], self.second[wanted], self.similar[wanted])

    def unique(self) -> Pairs:
        """Each pair once, in order, without pairs of one thing with itself."""
        apart = self.where(self.first != self.second)
        _, places = np.unique(apart._keys(), return_index=True)
        return apart.where(places)

    def renamed(self, numbers: Numbers) -> Pairs:
        """
        Args:
            numbers: the new number of each.
        """
        one, other = numbers[self.first], numbers[self.second]
        return Pairs(np.minimum(one, other), np.maximum(one, other), self.similar).unique()

    def without(self, others: Pairs) -> Pairs:
        return self.where(~np.isin(self._keys(), others._keys()))

    def _keys(self) -> NDArray[np.int64]:
        return self.first.astype(np.int64) << 32 | self.second.astype(np.int64)
