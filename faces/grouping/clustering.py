"""Clusters faces by average linkage, over the pairs that a search found.

Two clusters of which a search found a pair of faces are joined if the mean similarity of all their faces is
high enough, the most similar first. That mean is exact, by the sums of the clusters' vectors. Joins whose
similarities are nearly the same are made in one round, as by Dhulipala et al. 2022, Hierarchical
agglomerative graph clustering in poly-logarithmic depth.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from faces.error_rates.arrays import Vectors
from faces.grouping.marks import Marks, are_apart
from faces.grouping.pairs import Numbers, Pairs

AT_ONCE = 65_536
"""Pairs whose vectors are in memory together: 64 MB with 128 numbers."""
SLACK = 0.01
"""Similarities that differ by less are taken as the same: else a large cluster would be joined to one other
in a round, and 10,000 faces of one person took as many rounds."""


def clustered(vectors: Vectors, pairs: Pairs, least: float, marks: Mapping[int, Marks]) -> Numbers:
    """The cluster of each face, as the number of one of its faces. The same for the same arguments.

    Args:
        vectors: (n, dims), of length 1.
        pairs: that may be joined.
        least: the lowest mean similarity of two clusters that are joined, -1 to 1.
        marks: what keeps faces apart, by face.
    """
    run = _Clusters(vectors, marks)
    pairs = run.measured(pairs.unique(), least)
    while len(pairs):
        refused = run.join(pairs)
        # Two that are apart stay so, whatever joins them: the pair is gone.
        pairs = run.measured(pairs.without(refused).renamed(run.numbers()), least)
    return run.numbers()


class _Clusters:
    """Clusters by the number of one of their faces, which stands for all."""

    def __init__(self, vectors: Vectors, marks: Mapping[int, Marks]) -> None:
        self._sums = np.array(vectors, dtype=np.float32)
        self._sizes = np.ones(len(vectors), dtype=np.int64)
        self._marks = {face: dict(own) for face, own in marks.items()}
        self._of = np.arange(len(vectors), dtype=np.int32)

    def numbers(self) -> Numbers:
        """(n,): the cluster of each face."""
        # A face may be of a cluster that has joined another since.
        while not np.array_equal(further := self._of[self._of], self._of):
            self._of = further
        return self._of

    def measured(self, pairs: Pairs, least: float) -> Pairs:
        """The pairs whose mean similarity is high enough, with it."""
        similar = np.empty(len(pairs), dtype=np.float64)
        for start in range(0, len(pairs), AT_ONCE):
            one, other = (ends[start : start + AT_ONCE] for ends in (pairs.first, pairs.second))
            products = np.einsum("pd,pd->p", self._sums[one], self._sums[other])
            similar[start : start + AT_ONCE] = products / (self._sizes[one] * self._sizes[other])
        return Pairs(pairs.first, pairs.second, similar).where(similar >= least)

    def join(self, pairs: Pairs) -> Pairs:
        """Joins each cluster to the one that is most similar to it, where it is nearly the most similar to
        that. Returns the pairs that weren't joined, as they are apart."""
        joins = self._joins(pairs)
        refused = np.zeros(len(joins), dtype=np.bool_)
        for place, (one, to, similar) in enumerate(
            zip(joins.first.tolist(), joins.second.tolist(), joins.similar.tolist(), strict=True)
        ):
            if self._are_apart(one, to):
                refused[place] = True
            # What joined before has moved the mean: perhaps too far.
            elif self._similarity(one, to) >= similar - SLACK:
                self._join(one, to)
        return Pairs.of([(joins.first, joins.second, joins.similar)]).where(refused)

    def _joins(self, pairs: Pairs) -> Pairs:
        """Which cluster (``first``) is to join which (``second``), the most similar first: each at most one,
        a larger one, that joins no other itself."""
        one, to = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
        similar = np.concatenate([pairs.similar, pairs.similar])
        best = np.full(len(self._of), -np.inf)
        np.maximum.at(best, one, similar)
        larger = (self._sizes[to] > self._sizes[one]) | ((self._sizes[to] == self._sizes[one]) & (to < one))
        wanted = np.flatnonzero((similar == best[one]) & (similar >= best[to] - SLACK) & larger)
        _, places = np.unique(one[wanted], return_index=True)
        wanted = wanted[places]
        joining = np.zeros(len(self._of), dtype=np.bool_)
        joining[one[wanted]] = True
        wanted = wanted[~joining[to[wanted]]]
        wanted = wanted[np.argsort(-similar[wanted], kind="stable")]
        return Pairs(one[wanted], to[wanted], similar[wanted])

    def _similarity(self, one: int, other: int) -> float:
        product = float(self._sums[one] @ self._sums[other])
        return product / float(self._sizes[one] * self._sizes[other])

    def _are_apart(self, one: int, other: int) -> bool:
        ours, theirs = self._marks.get(one), self._marks.get(other)
        return bool(ours and theirs and are_apart(ours, theirs))

    def _join(self, one: int, to: int) -> None:
        self._sums[to] += self._sums[one]
        self._sizes[to] += self._sizes[one]
        self._of[one] = to
        # The fewer marks go to the more: each is moved a few times only, however large a cluster becomes.
        few, many = sorted((self._marks.pop(one, {}), self._marks.get(to, {})), key=len)
        many.update(few)
        if many:
            self._marks[to] = many
