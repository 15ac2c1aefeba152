"""The share of same-person pairs that is accepted, over all pairs of a folder's photos."""

from __future__ import annotations

import numpy as np

from faces.error_rates.arrays import People, Scores, Vectors
from faces.error_rates.det_curve import supported
from faces.error_rates.similarity import Similarity, cosine

BLOCK = 500
"""Photos that are compared with all others at a time: all of LFW makes 88 million pairs."""


def true_accepts(
    vectors: Vectors, people: People, far: float, similarity: Similarity = cosine
) -> float | None:
    """TAR at a FAR. A pair with a photo without a face counts as rejected if it is of one person, and else as
    accepted. None where too few pairs of two people would be accepted to state it.

    Args:
        vectors: (photos, dims); NaN for a photo without a face.
        people: (photos,) numbers from 0.
    """
    same_pairs = int(sum(count * (count - 1) // 2 for count in np.bincount(people).tolist()))
    different_pairs = len(people) * (len(people) - 1) // 2 - same_pairs
    if not same_pairs or not supported(far, different_pairs):
        return None
    accepted = int(far * different_pairs)
    highest = np.zeros(0, dtype=np.float32)
    same: list[Scores] = []
    for start in range(0, len(people), BLOCK):
        block = slice(start, start + BLOCK)
        scores = similarity(vectors[block], vectors)  # NaN where a face is missing
        later = np.arange(len(people)) > np.arange(len(people))[block, np.newaxis]
        is_same = people[block, np.newaxis] == people
        same.append(np.nan_to_num(scores[later & is_same], nan=-np.inf))
        others = np.concatenate([highest, np.nan_to_num(scores[later & ~is_same], nan=np.inf)])
        highest = np.partition(others, -accepted - 1)[-accepted - 1 :] if len(others) > accepted else others
    # Accepted: those above the one that would be one too many.
    return float((np.concatenate(same) > highest.min()).mean())
