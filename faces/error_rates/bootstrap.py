"""The bootstrap over people, by which all intervals here are made.

Comparisons that share a person are not independent, so people are drawn, not comparisons (Bolle, Ratha and
Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", 2004).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faces.error_rates.arrays import People, Positions, Rates, Scores

Counts = NDArray[np.uint16]
"""(people,): how often each person was drawn."""

Draws = tuple["float | None", ...]
"""A number in each draw, None where a draw has none. With one seed, every method's draws have the same
people."""


def draws_of_people(people: int, draws: int, seed: int | np.random.Generator) -> Iterator[Counts]:
    """As many people as there are, drawn with replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        yield generator.multinomial(people, np.full(people, 1 / people)).astype(np.uint16)


def weights(drawn: Counts, *people: People) -> NDArray[np.uint32]:
    """(n,): the product of the resample counts of all people of a comparison.

    people: for each person that takes part in a comparison, (n,) who it is.
    """
    first, *others = people
    product: NDArray[np.uint32] = drawn.astype(np.uint32).take(first)
    for other in others:
        product *= drawn.take(other)
    return product


def drawn_shares(parts: ArrayLike, wholes: ArrayLike, draws: Iterable[Counts]) -> list[float]:
    """A share in each draw, from each person's part and whole, both (people,); NaN where the whole is 0."""
    both = np.stack([parts, wholes]).astype(np.float64)
    sums = (both @ drawn for drawn in draws)
    return [float(part / whole) if whole else float("nan") for part, whole in sums]


@dataclass(frozen=True)
class ResampledScores:
    """Scores of a draw: each has the weight of its people.

    starts: (parts,) ascending positions in the order of scores, from 0: no threshold lies within a part.
    parts: (thresholds,) how many of these parts are below each.
    people: of each score, in the order of scores: one array for each person that took part in it.
    """

    starts: Positions
    parts: Positions
    people: tuple[People, ...]

    @classmethod
    def of(cls, thresholds: Scores, scores: Scores, *people: People) -> ResampledScores:
        order = np.argsort(scores)
        below = np.searchsorted(scores[order], thresholds)
        starts = np.union1d(0, below[below < len(scores)])
        return cls(
            starts,
            np.searchsorted(starts, below),
            tuple(numbers[order].astype(np.intp) for numbers in people),
        )

    def accepted(self, drawn: Counts) -> Rates:
        """(thresholds,): the share that each accepts; NaN where none of these people was drawn."""
        sums = np.add.reduceat(weights(drawn, *self.people), self.starts)
        below = np.concatenate([[0], np.cumsum(sums, dtype=np.int64)])
        if not below[-1]:
            return np.full(len(self.parts), np.nan)
        shares: Rates = (below[-1] - below[self.parts]) / below[-1]
        return shares
