"""What a vector belongs to, and a face on its way to one: the data that all profiles share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service.detection import Detection, Pixels


@dataclass(frozen=True)
class Model:
    """What a vector is comparable within: equal ids, and no others.

    digest: SHA-256 over everything that shapes a vector; the id is the profile's name and its start.
    """

    profile: str
    digest: str
    dims: int

    @property
    def id(self) -> str:
        return f"{self.profile}-{self.digest[:8]}"

    @classmethod
    def of(
        cls,
        profile: str,
        *,
        dims: int,
        weights: Any,
        detector: dict[str, Any],
        alignment: str,
        colour: str,
        resize: str,
        normalization: str,
    ) -> Model:
        """Every part is asked for, so that none is forgotten; each is any JSON.

        Args:
            weights: digests of the recognition network's.
            detector: all of ``Detector.parts``.
        """
        parts = {
            "profile": profile,
            "dims": dims,
            "weights": weights,
            "detector": detector,
            "alignment": alignment,
            "colour": colour,
            "resize": resize,
            "normalization": normalization,
        }
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return cls(profile, hashlib.sha256(canonical.encode()).hexdigest(), dims)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "digest": self.digest, "dims": self.dims}


@dataclass(frozen=True)
class FoundFace:
    """
    aligned: (160, 160, 3) RGB, as people look at it.
    network_input: float32 of the profile's ``input_shape``, as the network wants it.
    """

    detection: Detection
    aligned: Pixels
    network_input: NDArray[np.float32]
