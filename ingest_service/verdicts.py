"""A similarity in words.

Without a calibration of one's own (`faces calibrate`), the lines come from the 118 sample photos of 5 people,
where no two people's faces reach 0.46 (6,903 pairs; `./run test` holds this), and from LFW, where the best
stranger of a search among thousands comes close to 0.60. A search over many faces, or over other photos, may
need other lines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Cosine similarities from -1 to 1 from which on two faces are called alike: ``strong`` is the higher."""

    strong: float
    possible: float

    def verdict(self, similarity: float) -> str:
        """``strong``, ``possible`` or ``unlikely``."""
        if similarity >= self.strong:
            return "strong"
        return "possible" if similarity >= self.possible else "unlikely"


STRONG = 0.60
POSSIBLE = 0.46
UNCALIBRATED = Thresholds(STRONG, POSSIBLE)


def verdict(similarity: float) -> str:
    """``strong``, ``possible`` or ``unlikely``, by the lines of an index that isn't calibrated."""
    return UNCALIBRATED.verdict(similarity)
