"""DeepFace's recognition models by name: its loading and its networks, fed as these were trained."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ingest_service import deepface_library
from ingest_service.alignment import align
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import unit
from ingest_service.five_points import Template, align_by_points
from ingest_service.model import ALIGNED, FoundFace, Loading, Model, Preparation

Floats = NDArray[np.float32]

NORMALIZATIONS: dict[str, Callable[[Floats], Floats]] = {
    "base": lambda face: face / np.float32(255),
    "raw": lambda face: face,
    "ArcFace": lambda face: (face - np.float32(127.5)) / np.float32(128),
    # DeepFace's SFace makes whole numbers of 0 to 255 of these again, and rounds down.
    "base, by half a step more": lambda face: (face + np.float32(0.5)) / np.float32(255),
}
"""Of values from 0 to 255; the first three have DeepFace's names."""


@dataclass(frozen=True)
class Feeding:
    """How a network was trained to be given a face, in the values that DeepFace's client of it takes.

    cut: by the landmarks, on a template; or the box, turned until the eyes are level: stretched, or
        letterboxed, as by DeepFace.
    normalization: of ``NORMALIZATIONS``.
    """

    cut: Template | Literal["letterboxed", "stretched"] = "letterboxed"
    colour: Literal["BGR", "RGB"] = "BGR"
    normalization: str = "base"

    def network_input(self, pixels: Pixels, face: Detection, size: tuple[int, int]) -> Floats:
        """(rows, columns, 3).

        Args:
            size: width and height.
        """
        rgb = self._cut(pixels, face, size)
        ordered = rgb if self.colour == "RGB" else rgb[:, :, ::-1]
        return NORMALIZATIONS[self.normalization](ordered.astype(np.float32))

    def preparation(self, size: tuple[int, int]) -> Preparation:
        area = f"{size[0]} x {size[1]}"
        if isinstance(self.cut, Template):
            alignment, resize = f"five points on {self.cut.name}", "halved, areas, then linear"
        else:
            alignment, resize = "eyes and box", f"{self.cut} to {area}, areas then cubic"
        return Preparation(alignment, self.colour, resize, self.normalization)

    def _cut(self, pixels: Pixels, face: Detection, size: tuple[int, int]) -> Pixels:
        if isinstance(self.cut, Template):
            return align_by_points(pixels, face, self.cut)
        if self.cut == "stretched":
            return align(pixels, face, size)
        width, height = size
        factor = min(width / face.box[2], height / face.box[3])
        fitting = (max(1, round(face.box[2] * factor)), max(1, round(face.box[3] * factor)))
        return _letterboxed(align(pixels, face, fitting), size)


def _letterboxed(face: Pixels, size: tuple[int, int]) -> Pixels:
    """In the middle of (height, width, 3), black beside it, as by DeepFace's ``resize_image``."""
    width, height = size
    framed = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - face.shape[0]) // 2, (width - face.shape[1]) // 2
    framed[top : top + face.shape[0], left : left + face.shape[1]] = face
    return framed


@dataclass(frozen=True)
class DeepFaceModelProfile:
    """Faces found by the chosen detector, vectors by DeepFace's client.

    client: DeepFace's; ``lock`` as not every one of them may be called from two threads at once.
    size: of the network's input, width and height.
    """

    detector: Detector
    client: Any
    size: tuple[int, int]
    feeding: Feeding
    model: Model
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, feeding: Feeding, loading: Loading) -> DeepFaceModelProfile:
        """
        Raises:
            WeightsError: DeepFace wants a file that isn't in the cache.
        """
        entry = loading.entry
        detector = loading.load_detector()
        weights = deepface_library.digests(entry.needs, loading.cache)
        client = deepface_library.build("facial_recognition", entry.name, loading.cache)
        made_of = {"files": weights, "packages": deepface_library.versions(entry.needs.module)}
        model = loading.model(detector, made_of, feeding.preparation(entry.size))
        return cls(detector, client, entry.size, feeding, model)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.size[1], self.size[0], 3)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [self.prepare(pixels, face) for face in self.detector.detect(pixels)]

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        aligned = align(pixels, face, (ALIGNED, ALIGNED))
        return FoundFace(face, aligned, self.feeding.network_input(pixels, face, self.size))

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        with self.lock:
            vectors = np.array(self.client.forward(faces), dtype=np.float32)
        return unit(vectors.reshape(len(faces), self.model.dims))
