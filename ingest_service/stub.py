"""A model without weights, for tests and development: the service starts in a second with an empty cache.

Its vectors know nothing of faces. One photo always has one vector; two photos that differ in any pixel have
vectors of random directions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service.alignment import align
from ingest_service.detection import Detection, Pixels
from ingest_service.embedding import unit
from ingest_service.model import ALIGNED, FoundFace, Loading, Model, Preparation

LANDMARKS = np.array([[0.7, 0.4], [0.3, 0.4], [0.5, 0.6], [0.65, 0.8], [0.35, 0.8]])
"""x and y as shares of the box, in the order of ``detection.LANDMARKS``."""


class StubDetector:
    """One face on any photo, the middle half of it; none on a photo of a single colour."""

    def detect(self, pixels: Pixels) -> list[Detection]:
        if (pixels == pixels[0, 0]).all():
            return []
        height, width = pixels.shape[:2]
        corner, size = np.array([width, height]) / 4, np.array([width, height]) / 2
        box = (float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))
        return [Detection(box, 0.99, (corner + LANDMARKS * size).astype(np.float32))]

    def parts(self) -> dict[str, Any]:
        return {"name": "stub"}


@dataclass(frozen=True)
class StubProfile:
    """The network's input is the vector already: numbers drawn from the photo's SHAKE-256 digest."""

    detector: StubDetector
    model: Model

    @classmethod
    def load(cls, loading: Loading) -> StubProfile:
        detector = StubDetector()
        model = Model.of(
            loading.entry.name,
            dims=loading.entry.dims,
            weights=None,
            detector=detector.parts(),
            preparation=Preparation("none", "RGB", "none", "SHAKE-256 of the photo"),
        )
        return cls(detector, model)

    @property
    def input_shape(self) -> tuple[int]:
        return (self.model.dims,)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [self.prepare(pixels, face) for face in self.detector.detect(pixels)]

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        return FoundFace(face, align(pixels, face, (ALIGNED, ALIGNED)), self._numbers(pixels))

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        return unit(faces)

    def _numbers(self, pixels: Pixels) -> NDArray[np.float32]:
        digest = hashlib.shake_256(str(pixels.shape).encode())
        digest.update(pixels.tobytes())
        return np.frombuffer(digest.digest(2 * self.model.dims), dtype="<i2").astype(np.float32)
