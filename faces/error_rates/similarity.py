"""Photos compared with photos: similarities, and the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from faces.error_rates.arrays import Flags, Positions, Scores, Vectors

AT_ONCE = 512
"""Searches whose similarities are in memory together."""

Similarity = Callable[[Vectors, Vectors], Scores]
"""Of (n, dims) and (m, dims): (n, m), the higher, the more alike."""


def cosine(some: Vectors, others: Vectors) -> Scores:
    """(n, dims) and (m, dims) to (n, m)."""
    similar: Scores = normalized(some) @ normalized(others).T
    return similar


def normalized(vectors: Vectors) -> Vectors:
    """(n, dims), each of length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def without_face(vectors: Vectors) -> Flags:
    """(n,): the photo has no vector."""
    return np.asarray(np.isnan(vectors).any(axis=1))


def similarities(
    vectors: Vectors, rows: Positions, columns: Positions, similarity: Similarity
) -> Iterator[tuple[Positions, Scores]]:
    """Some rows at a time, (r,) positions and (r, columns); -inf where a face is missing."""
    has_face = ~without_face(vectors)
    known = np.flatnonzero(has_face[columns])
    gallery = vectors[columns[known]]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        searching = np.flatnonzero(has_face[some])
        similar = np.full((len(some), len(columns)), -np.inf, dtype=np.float32)
        if len(searching) and len(known):
            similar[np.ix_(searching, known)] = similarity(vectors[some[searching]], gallery)
        yield some, similar


def pair_scores(vectors: Vectors, first: Positions, second: Positions, similarity: Similarity) -> Scores:
    """(pairs,): the similarity of each pair; NaN where a face is missing."""
    scores = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(vectors), AT_ONCE):
        stop = start + AT_ONCE
        these = (first >= start) & (first < stop)
        similar = similarity(vectors[start:stop], vectors)
        scores[these] = similar[first[these] - start, second[these]]
    return scores


def nearest(similar: Scores, own: Flags) -> int:
    """The position of the highest similarity, -1 where all are -inf. Of a tie it is one that isn't ``own``,
    so that a tie is never a success."""
    best = np.flatnonzero(similar == similar.max())
    if similar[best[0]] == -np.inf:
        return -1
    return int(best[np.argmin(own[best])])
