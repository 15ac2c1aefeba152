"""DeepFace's detectors by name, on a bounded copy of the photo."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest_service import deepface_library
from ingest_service.detection import LANDMARKS, Detection, Pixels, shrunk
from ingest_service.needs import Needs
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.weights.cache import Cache


@dataclass(frozen=True)
class Backend:
    """
    name: ours.
    client: DeepFace's name.
    variables: the environment's that it reads, with their defaults.
    """

    name: str
    client: str
    needs: Needs
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DeepFaceDetector:
    """One of DeepFace's detectors, on a copy of the photo whose longest side is at most ``max_side``.

    It is given the photo as DeepFace gives it (BGR), but without DeepFace's black border of half the photo on
    every side, which quadruples the work. Most of them may not be called from two threads at once.

    min_face: as CenterFace's.
    """

    name: str
    client: Any
    about: dict[str, Any]
    max_side: int
    min_face: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(
        cls,
        backend: Backend,
        cache: Cache,
        max_side: int,
        min_face: int,
        runtime: Runtime = ONNX_FP32,
        turned_faces: bool = False,
    ) -> DeepFaceDetector:
        """In DeepFace's own runtime, which finds turned faces or doesn't.

        Raises:
            WeightsError: DeepFace wants a file that isn't in the cache.
        """
        about = {
            "packages": deepface_library.versions(backend.needs.module),
            "weights": deepface_library.digests(backend.needs, cache),
            "variables": {key: os.environ.get(key, default) for key, default in backend.variables},
        }
        client = deepface_library.build("face_detector", backend.client, cache)
        return cls(backend.name, client, about, max_side, min_face)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""
        height, width = pixels.shape[:2]
        small, scales = shrunk(pixels, self.max_side / max(height, width))
        with self.lock:
            regions = self.client.detect_faces(np.ascontiguousarray(small[:, :, ::-1]))
        faces = [_detection(region).moved(1 / np.array(scales)) for region in regions]
        kept = [face.clipped(width, height) for face in faces]
        return sorted(
            (face for face in kept if face.shorter_side >= self.min_face),
            key=lambda face: face.area,
            reverse=True,
        )

    def parts(self) -> dict[str, Any]:
        return {"name": self.name, "max_side": self.max_side, **self.about}


def _detection(region: Any) -> Detection:
    """DeepFace's ``FacialAreaRegion`` as ours: its fields for landmarks have our names."""
    landmarks = np.full((len(LANDMARKS), 2), np.nan, dtype=np.float32)
    for row, name in enumerate(LANDMARKS):
        if getattr(region, name) is not None:
            landmarks[row] = getattr(region, name)
    confidence = min(1.0, max(0.0, float(region.confidence or 0)))
    return Detection(
        (float(region.x), float(region.y), float(region.w), float(region.h)), confidence, landmarks
    )
