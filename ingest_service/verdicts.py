"""A similarity in words.

Not calibrated: the lines come from the 118 sample photos of 5 people, where no two people's faces reach
0.46 (6,903 pairs; `./run test` holds this), and from LFW, where the best stranger of a search among
thousands comes close to 0.60. A search over many faces, or over other photos, may need other lines.
"""

from __future__ import annotations

STRONG = 0.60
POSSIBLE = 0.46


def verdict(similarity: float) -> str:
    """``strong``, ``possible`` or ``unlikely``, for a cosine similarity from -1 to 1."""
    if similarity >= STRONG:
        return "strong"
    return "possible" if similarity >= POSSIBLE else "unlikely"
