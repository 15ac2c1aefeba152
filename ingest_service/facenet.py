"""The profiles ``facenet`` and ``facenet-int8``: Facenet, with faces prepared as in its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest_service.alignment import align
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.model import FoundFace, Loading, Model, Preparation
from ingest_service.weights.cache import facenet_digest, int8_recipe

PREPARATION = Preparation(
    alignment="eyes and box",
    colour="RGB",
    resize="stretched to 160 x 160, halved, areas, then cubic",
    normalization="Facenet",
)


@dataclass(frozen=True)
class FacenetProfile:
    """RGB, the box turned until the eyes are level and stretched, faces found on a bounded copy."""

    detector: Detector
    network: Facenet
    model: Model

    @classmethod
    def load(cls, loading: Loading) -> FacenetProfile:
        return cls._of(loading, loading.cache.facenet, facenet_digest(loading.cache))

    @classmethod
    def load_int8(cls, loading: Loading) -> FacenetProfile:
        return cls._of(loading, loading.cache.facenet_int8, int8_recipe(loading.cache))

    @classmethod
    def _of(cls, loading: Loading, network: Path, weights: str) -> FacenetProfile:
        detector = loading.load_detector()
        model = loading.model(detector, weights, PREPARATION)
        return cls(detector, Facenet.load(network, loading.cores, loading.runtime), model)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.network.input_shape

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [self.prepare(pixels, face) for face in self.detector.detect(pixels)]

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        aligned = align(pixels, face, (self.network.size, self.network.size))
        return FoundFace(face, aligned, whiten(aligned))

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        return unit(self.network.embed(faces, all_cores))
