"""The detector that the settings name: our CenterFace, or one of DeepFace's."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest_service import deepface_library
from ingest_service.catalogue import FINDERS, Finder
from ingest_service.detection import LANDMARKS, CenterFace, Detection, Detector, Pixels, shrunk
from ingest_service.settings import Settings
from ingest_service.weights import Cache, check_centerface


def check(settings: Settings) -> None:
    """
    Raises:
        SettingsError: the detector's package isn't installed.
        WeightsError: its weights aren't in the cache.
    """
    cache = Cache(settings.cache)
    if settings.detector == "centerface":
        check_centerface(cache)
    else:
        finder = FINDERS[settings.detector]
        deepface_library.require(f"FACES_DETECTOR [{settings.detector}]", finder.needs, cache)


def load(settings: Settings) -> Detector:
    """
    Raises:
        SettingsError, WeightsError: as ``check`` does.
    """
    check(settings)
    cache = Cache(settings.cache)
    if settings.detector == "centerface":
        return CenterFace.load(cache.centerface, settings.max_side, settings.min_face_px)
    return DeepFaceDetector.load(settings.detector, cache, settings.max_side, settings.min_face_px)


@dataclass(frozen=True)
class DeepFaceDetector:
    """One of DeepFace's detectors, on a copy of the photo whose longest side is at most ``max_side``.

    They are given the photo as DeepFace gives it (BGR), but not its black border of half the photo on every
    side, which makes the work four times as much. Most of them may not be called from two threads at once.

    min_face: as CenterFace's.
    """

    name: str
    finder: Finder
    client: Any
    about: dict[str, Any]
    max_side: int
    min_face: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, name: str, cache: Cache, max_side: int, min_face: int) -> DeepFaceDetector:
        finder = FINDERS[name]
        about = {
            "packages": deepface_library.versions(finder.needs.module),
            "weights": deepface_library.digests(finder.needs, cache),
            "variables": {key: os.environ.get(key, default) for key, default in finder.variables},
        }
        client = deepface_library.build("face_detector", finder.client, cache)
        return cls(name, finder, client, about, max_side, min_face)

    def detect(self, pixels: Pixels) -> list[Detection]:
        height, width = pixels.shape[:2]
        small, scales = shrunk(pixels, self.max_side / max(height, width))
        with self.lock:
            regions = self.client.detect_faces(np.ascontiguousarray(small[:, :, ::-1]))
        faces = [_detection(region).moved(1 / np.array(scales), np.zeros(2)) for region in regions]
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
