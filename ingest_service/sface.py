"""The profile ``sface``: SFace, with faces aligned by their landmarks as in its training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest_service.alignment import align
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import SFace, planes, unit
from ingest_service.five_points import INSIGHTFACE, align_by_points
from ingest_service.model import ALIGNED, FoundFace, Loading, Model, Preparation
from ingest_service.weights.cache import SFACE_SHA256

PREPARATION = Preparation(
    alignment=f"five points on {INSIGHTFACE.name}",
    colour="RGB",
    resize="halved, areas, then linear",
    normalization="the network's own",
)


def network_input(pixels: Pixels, face: Detection) -> NDArray[np.float32]:
    """(3, 112, 112): the face on the template, as the network wants it."""
    return planes(align_by_points(pixels, face, INSIGHTFACE))


@dataclass(frozen=True)
class SFaceProfile:
    """RGB, five landmarks (or those that are known) on the template, faces found on a bounded copy."""

    detector: Detector
    network: SFace
    model: Model

    @classmethod
    def load(cls, loading: Loading) -> SFaceProfile:
        detector = loading.load_detector()
        model = loading.model(detector, SFACE_SHA256, PREPARATION)
        return cls(detector, SFace.load(loading.cache.sface, loading.cores, loading.runtime), model)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.network.input_shape

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [self.prepare(pixels, face) for face in self.detector.detect(pixels)]

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        return FoundFace(face, align(pixels, face, (ALIGNED, ALIGNED)), network_input(pixels, face))

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        return unit(self.network.embed(faces, all_cores))
