"""Are the most similar photos of the same person? Each photo searches among all others.

A photo without a face (a row of NaN) finds no one and isn't found: a search with it fails, and so does one
for it. A tie with another person's photo counts as a miss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Rates, Scores, Vectors
from faces.error_rates.bootstrap import drawn_shares, draws_of_people
from faces.error_rates.interval import Interval
from faces.error_rates.similarity import Similarity, cosine, nearest, similarities, without_face


@dataclass(frozen=True)
class Share:
    """A mean over searches, and its interval from a bootstrap over people."""

    value: float
    interval: Interval | None

    @classmethod
    def of(cls, values: Rates, people: People, draws: int, seed: int) -> Share:
        """values: (n,) of each search, 0 to 1; people: (n,) who searched."""
        present, numbers = np.unique(people, return_inverse=True)
        sums, counts = np.bincount(numbers, values), np.bincount(numbers)
        drawn = drawn_shares(sums, counts, draws_of_people(len(present), draws, seed))
        return cls(float(values.mean()), Interval.of_any(drawn))


@dataclass(frozen=True)
class Retrieval:
    """
    photos: searched with, each among all others; failed: those of them without a face.
    rank1: the first hit is of the same person.
    precision_at_5: of the first 5 hits, or as many as there are other photos of the person.
    mean_average_precision: over all other photos of the person.
    """

    photos: int
    failed: int
    rank1: Share
    precision_at_5: Share
    mean_average_precision: Share


@dataclass(frozen=True)
class Rankings:
    """
    photos: (n,) positions of the photos searched with.
    people: (n,) their people.
    nearest: (n,) position of the most similar other photo; -1 without a face.
    failed: (n,) no face was found.
    rank1, precision_at_5, average_precision: (n,) of each search, 0 to 1.
    """

    photos: Positions
    people: People
    nearest: Positions
    failed: Flags
    rank1: Rates
    precision_at_5: Rates
    average_precision: Rates

    def summary(self, draws: int = 200, seed: int = 0) -> Retrieval:
        """The photos to be found are the same in every draw: only whose searches count is drawn."""
        shares = (
            Share.of(values, self.people, draws, seed)
            for values in (self.rank1, self.precision_at_5, self.average_precision)
        )
        return Retrieval(len(self.photos), int(self.failed.sum()), *shares)


def leave_one_out(vectors: Vectors, people: People, similarity: Similarity = cosine) -> Rankings:
    """A search with each photo of everybody who has two or more, among all other photos.

    vectors: (photos, dims); people: (photos,) numbers from 0.

    Raises:
        ValueError: nobody has two photos.
    """
    check_repeats(people)
    photos = np.flatnonzero(np.bincount(people)[people] > 1)
    found = []
    for rows, similar in similarities(vectors, photos, np.arange(len(people)), similarity):
        similar[np.arange(len(rows)), rows] = -np.inf
        for photo, row in zip(rows, similar, strict=True):
            own = people == people[photo]
            own[photo] = False
            found.append((nearest(row, own), *scores_of_ranks(_ranks(row, own))))
    first, rank1, precision, average = map(np.array, zip(*found, strict=True))
    return Rankings(photos, people[photos], first, without_face(vectors[photos]), rank1, precision, average)


def scores_of_ranks(ranks: Rates) -> tuple[float, float, float]:
    """Rank 1, precision at 5 and average precision of one search.

    ranks: (n,) of everything that should be found, from 1; inf for what wasn't.
    """
    ordered = np.sort(ranks)
    within = min(5, len(ordered))
    average = float(np.mean(np.arange(1, len(ordered) + 1) / ordered))
    return float(ordered[0] == 1), float(np.sum(ordered <= within)) / within, average


def check_repeats(people: People) -> None:
    """
    Raises:
        ValueError: nobody has two photos.
    """
    if not (np.bincount(people) > 1).any():
        raise ValueError("nobody has two photos: there is nothing that a search should find")


def _ranks(similar: Scores, own: Flags) -> Rates:
    """(own,): from 1, behind all others that are as similar; inf for what isn't found."""
    right, wrong = np.sort(similar[own])[::-1], np.sort(similar[~own])
    ahead = len(wrong) - np.searchsorted(wrong, right, side="left")
    return np.where(right == -np.inf, np.inf, np.arange(1, len(right) + 1) + ahead)
