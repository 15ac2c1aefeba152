"""The original report's own query: one photo, and the photos most similar to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.task import Task
from faces.error_rates.arrays import People, Vectors
from faces.error_rates.similarity import Similarity, cosine

PHOTO = "Alvaro_Noboa/Alvaro_Noboa_0001"
"""The photo that the report searched LFW with."""

REPORTED = (
    ("the photo itself", "1"),
    ("the same person, most similar", "0.09"),
    ("another person, most similar", "0.08"),
)
"""The kinds of answers, and the report's score of each."""


@dataclass(frozen=True)
class QueryAnswer:
    """
    kind, reported: of ``REPORTED``.
    photo: its position.
    """

    kind: str
    reported: str
    photo: int
    similarity: float


def query_photo(task: Task) -> int:
    """Position of the report's query, or of the first photo of the first person with two."""
    several = np.flatnonzero(np.bincount(task.people)[task.people] > 1)
    names = (task.name(photo) for photo in range(len(task.people)))
    return next((photo for photo, name in enumerate(names) if name == PHOTO), int(several[0]))


def most_similar(
    vectors: Vectors, query: int, most: int, similarity: Similarity = cosine
) -> list[tuple[int, float]]:
    """Positions and similarities of the photos most similar to the query, itself included; empty if it has no
    face."""
    similar = similarity(vectors[[query]], vectors)[0]
    best = np.argsort(-np.nan_to_num(similar, nan=-2), kind="stable")[:most].tolist()
    return [(photo, float(similar[photo])) for photo in best if np.isfinite(similar[photo])]


def answers(
    vectors: Vectors, people: People, query: int, similarity: Similarity = cosine
) -> tuple[QueryAnswer, ...]:
    """The most similar photo of each kind in ``REPORTED``, if there is one."""
    hits = most_similar(vectors, query, len(vectors), similarity)
    own = people == people[query]
    wanted = (
        [hit for hit in hits if hit[0] == query],
        [hit for hit in hits if own[hit[0]] and hit[0] != query],
        [hit for hit in hits if not own[hit[0]]],
    )
    return tuple(
        QueryAnswer(kind, reported, *found[0])
        for (kind, reported), found in zip(REPORTED, wanted, strict=True)
        if found
    )
