"""A profile's uncalibrated thresholds (`ingest_service.verdicts`), from its vectors of the sample.

One rule for every profile:

- possible: no two people's faces of the sample reach it; rounded up to two digits.
- strong: two people's faces reach it once in 100 million pairs, which is one search in a hundred among a
  million faces of other people; rounded up to a multiple of 0.05. Nobody has so many pairs here: it is the
  mean and 5.61 standard deviations of the sample's similarities of two people, as if these were normally
  distributed. Five people differ more than thousands do: see what LFW's unenrolled people reach. Dlib's
  vectors all lie close together, and that would be above 1: then it is three quarters of possible's distance,
  as it is, about, for the others.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from faces.error_rates.arrays import People, Vectors
from faces.error_rates.identification import roles, search
from faces.error_rates.similarity import cosine
from ingest_service.verdicts import Thresholds

FALSE_MATCH_RATE = 1e-8
STEP = 0.05
"""Of the strong threshold."""


def thresholds(vectors: Vectors, people: People) -> Thresholds:
    """
    Args:
        vectors: (photos, dims), a face of each.
        people: (photos,) numbers from 0.
    """
    first, second = np.triu_indices(len(people), 1)
    different = people[first] != people[second]
    similarities = cosine(vectors, vectors)[first, second][different].astype(np.float64)
    reached = similarities.mean() - NormalDist().inv_cdf(FALSE_MATCH_RATE) * similarities.std()
    possible = math.ceil(100 * similarities.max()) / 100
    strong = round(math.ceil(reached / STEP) * STEP, 2)
    return Thresholds(strong if strong < 1 else round(1 - 0.75 * (1 - possible), 2), possible)


def reached_by_unenrolled(vectors: Vectors, people: People, threshold: float) -> float:
    """Share of the searches for unenrolled people whose best match reaches the threshold."""
    return float((search(vectors, people, roles(people)).false_hit_scores >= threshold).mean())
