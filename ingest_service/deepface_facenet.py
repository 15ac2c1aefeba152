"""The profile ``deepface``: the very vectors of DeepFace's Facenet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service import deepface_library
from ingest_service.alignment import align
from ingest_service.detection import LANDMARKS, Detection, Pixels
from ingest_service.embedding import Facenet, unit
from ingest_service.model import FoundFace, Loading, Model, Preparation
from ingest_service.weights.cache import CENTERFACE_SHA256, Cache, facenet_digest

THRESHOLD = 0.35
"""DeepFace's default for CenterFace."""


@dataclass(frozen=True)
class DeepFaceProfile:
    """The vectors of ``DeepFace.represent(model_name="Facenet", detector_backend="centerface",
    normalization="Facenet")``: DeepFace's own detection, alignment and preparation, our run of its network.
    """

    network: Facenet
    model: Model
    cache: Cache

    @classmethod
    def load(cls, loading: Loading) -> DeepFaceProfile:
        model = Model.of(
            loading.entry.name,
            dims=loading.entry.dims,
            weights=facenet_digest(loading.cache),
            detector={"name": "centerface", "weights": CENTERFACE_SHA256, "threshold": THRESHOLD},
            preparation=Preparation(
                alignment="DeepFace 0.0.103",
                colour="BGR",
                resize="letterboxed to 160 x 160",
                normalization="Facenet",
            ),
        )
        return cls(Facenet.load(loading.cache.facenet, loading.cores, loading.runtime), model, loading.cache)

    def __post_init__(self) -> None:
        deepface_library.open_library(self.cache)
        os.environ["CENTERFACE_THRESHOLD"] = str(THRESHOLD)
        import deepface.modules.detection  # noqa: F401 (here rather than in the first request)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.network.size, self.network.size, 3)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        from deepface.modules import detection

        bgr = np.ascontiguousarray(pixels[:, :, ::-1])
        faces = detection.extract_faces(
            bgr, detector_backend="centerface", align=True, enforce_detection=False, color_face="rgb"
        )
        # Confidence 0 is what DeepFace returns when there is no face: the whole photo.
        found = [self._fed(_detection(face), face["face"]) for face in faces if face["confidence"] != 0]
        return sorted(found, key=lambda face: face.detection.area, reverse=True)

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        """Cut out by us, with DeepFace's geometry, and prepared by DeepFace."""
        factor = self.network.size / face.longer_side
        size = (max(1, round(face.box[2] * factor)), max(1, round(face.box[3] * factor)))
        return self._fed(face, align(pixels, face, size) / 255)

    def _fed(self, face: Detection, rgb: NDArray[np.float64]) -> FoundFace:
        """
        Args:
            rgb: the face, cut out and upright, (height, width, 3), 0 to 1.
        """
        from deepface.modules import preprocessing

        prepared = preprocessing.resize_image(rgb[:, :, ::-1], (self.network.size, self.network.size))
        network_input = preprocessing.normalize_input(prepared.copy(), "Facenet")[0]
        aligned = np.clip(np.rint(prepared[0, :, :, ::-1] * 255), 0, 255).astype(np.uint8)
        return FoundFace(face, aligned, network_input.astype(np.float32))

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        return unit(self.network.embed(faces, all_cores))


def _detection(face: dict[str, Any]) -> Detection:
    area = face["facial_area"]
    landmarks = np.full((len(LANDMARKS), 2), np.nan, dtype=np.float32)
    for row, name in enumerate(("left_eye", "right_eye")):
        if area[name] is not None:
            landmarks[row] = area[name]
    box = (float(area["x"]), float(area["y"]), float(area["w"]), float(area["h"]))
    return Detection(box, float(face["confidence"]), landmarks)
