"""A similarity in words.

Every profile has thresholds of its own: its similarities have a distribution of their own. These are for an
index that isn't calibrated. Those of every model that could be measured come from the 118 sample photos of 5
people, by one rule: no two people's faces reach ``possible``, and by its distribution their similarity
reaches ``strong`` once in 100 million pairs (`evaluation/thresholds.py`; `./run bench profile --thresholds`
prints them, `./run test` holds them). For the models whose weights only DeepFace's own download has,
``possible`` is DeepFace's threshold, and ``strong`` three quarters of its distance, as it is, about, for our
profiles. A search over many faces, or over other photos, may need other thresholds: `faces calibrate`
measures them.
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

    @property
    def words(self) -> str:
        """Such as ``strong from 0.60, possible from 0.46``."""
        return f"strong from {shown(self.strong)}, possible from {shown(self.possible)}"


PLACES = 4
"""Decimals of a threshold, at most."""


def shown(threshold: float) -> str:
    """With as many decimals as it needs, at least two."""
    text = f"{threshold:.{PLACES}f}".rstrip("0")
    return text + "0" * (2 - len(text.partition(".")[2]))


def _published(distance: float) -> Thresholds:
    """From the cosine distance below which DeepFace 0.0.103 takes two faces for one person's."""
    return Thresholds(strong=round(1 - 0.75 * distance, 3), possible=round(1 - distance, 3))


UNCALIBRATED = Thresholds(strong=0.60, possible=0.46)
"""The default profile's."""

BY_PROFILE: dict[str, Thresholds] = {
    "facenet": UNCALIBRATED,
    "facenet-sface": Thresholds(strong=0.50, possible=0.37),
    "sface": Thresholds(strong=0.55, possible=0.43),
    "deepface": Thresholds(strong=0.75, possible=0.45),
    "facenet-int8": Thresholds(strong=0.60, possible=0.47),
    "VGG-Face": _published(0.68),
    "Facenet512": _published(0.30),
    "OpenFace": _published(0.10),
    "DeepFace": _published(0.23),
    "DeepID": _published(0.015),
    "ArcFace": _published(0.68),
    "Dlib": Thresholds(strong=0.94, possible=0.92),
    "SFace": Thresholds(strong=0.55, possible=0.43),
    "GhostFaceNet": _published(0.65),
    "Buffalo_L": _published(0.55),
}


def of_profile(profile: str) -> Thresholds:
    """A profile's own pair, for an index that isn't calibrated."""
    return BY_PROFILE.get(profile, UNCALIBRATED)


def of_model(model_id: str) -> Thresholds:
    """As `of_profile`, by a model's id: the profile's name, a hyphen and a digest."""
    return of_profile(model_id.rpartition("-")[0])
