"""A similarity in words.

The default thresholds come from the 118 sample photos of 5 people, where no two people's faces reach 0.46
(6,903 pairs; `./run test` holds this), and from LFW, where in a search among thousands the best match of
unenrolled people comes close to 0.60. A search over many faces, or over other photos, may need other
thresholds: `faces calibrate` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["strong", "possible", "unlikely"]


@dataclass(frozen=True)
class Thresholds:
    """The lowest cosine similarity, -1 to 1, of a strong and of a possible match."""

    strong: float
    possible: float

    def verdict(self, similarity: float) -> Verdict:
        if similarity >= self.strong:
            return "strong"
        return "possible" if similarity >= self.possible else "unlikely"


STRONG = 0.60
POSSIBLE = 0.46
UNCALIBRATED = Thresholds(STRONG, POSSIBLE)


def verdict(similarity: float) -> Verdict:
    """By the thresholds of an index that isn't calibrated."""
    return UNCALIBRATED.verdict(similarity)
