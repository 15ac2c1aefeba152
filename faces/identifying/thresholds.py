"""From which similarity somebody in a gallery is a match or a candidate: as the plugin's ``Calibrations``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from es_setup import thresholds
from faces.calibration.record import Calibration
from faces.error_rates.errors import CalibrationError

FACENET = ("facenet-", "deepface-")
"""How the ids of models with Facenet's network begin: of these a similarity says something by itself."""
FACENET_POSSIBLE = 0.46
NO_MATCH = 2.0
"""Above every cosine: for an index of another model that records no thresholds."""


@dataclass(frozen=True)
class GalleryThresholds:
    """
    match, candidate: the least cosine of a match, and of somebody whom a person should look at.
    by_index: the calibrations of those indices that have one.
    """

    match: float
    candidate: float
    by_index: Mapping[str, Calibration] = field(default_factory=dict)

    def probability(self, index: str, similarity: float) -> float | None:
        """That it is the person, 0 to 1, at even prior odds; None if the index isn't calibrated."""
        made = self.by_index.get(index)
        return None if made is None else round(made.probability(similarity), 6)

    def fixed(self, similarity: float | None) -> GalleryThresholds:
        """With the similarity that a pipeline names in place of both thresholds, if it names one."""
        return self if similarity is None else GalleryThresholds(similarity, similarity, self.by_index)


def thresholds_of(recorded: Mapping[str, dict[str, Any]], model: str) -> GalleryThresholds:
    """The highest thresholds among the indices of a gallery that hold faces of ``model``.

    Args:
        recorded: each index -> our part of its ``_meta``.
    """
    calibrations: dict[str, Calibration] = {}
    uncalibrated: list[float] = []
    for name, facts in recorded.items():
        made = _calibration(facts, model)
        if made is not None:
            calibrations[name] = made
        elif facts.get("model", model) == model:
            uncalibrated.append(_possible(facts, model))
    if not calibrations and not uncalibrated:
        uncalibrated = [_unrecorded(model)]
    both = [made.thresholds for made in calibrations.values()]
    return GalleryThresholds(
        match=max([*uncalibrated, *(one.strong for one in both)]),
        candidate=max([*uncalibrated, *(one.possible for one in both)]),
        by_index=calibrations,
    )


def _calibration(facts: dict[str, Any], model: str) -> Calibration | None:
    """None too if what is stored is invalid, or of another model."""
    try:
        return Calibration.from_meta(facts["calibration"], model) if "calibration" in facts else None
    except CalibrationError:
        return None


def _possible(facts: dict[str, Any], model: str) -> float:
    try:
        return thresholds.from_meta(facts.get(thresholds.THRESHOLDS)).possible
    except thresholds.InvalidThresholds:
        return _unrecorded(model)


def _unrecorded(model: str) -> float:
    return FACENET_POSSIBLE if model.startswith(FACENET) else NO_MATCH
