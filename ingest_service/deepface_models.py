"""DeepFace's recognition models by name: its loading, preparation and network."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service import deepface_library
from ingest_service.alignment import align
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import unit
from ingest_service.model import ALIGNED, FoundFace, Loading, Model, Preparation


@dataclass(frozen=True)
class DeepFaceModelProfile:
    """The face's box, turned as Facenet's is, then letterboxed, BGR and 0 to 1: DeepFace's ``base``.

    client: DeepFace's; ``lock`` as not every one of them may be called from two threads at once.
    size: of the network's input, width and height.
    """

    detector: Detector
    client: Any
    size: tuple[int, int]
    model: Model
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, loading: Loading) -> DeepFaceModelProfile:
        """
        Raises:
            WeightsError: DeepFace wants a file that isn't in the cache.
        """
        entry = loading.entry
        detector = loading.load_detector()
        weights = deepface_library.digests(entry.needs, loading.cache)
        client = deepface_library.build("facial_recognition", entry.name, loading.cache)
        model = Model.of(
            entry.name,
            dims=entry.dims,
            weights={"files": weights, "packages": deepface_library.versions(entry.needs.module)},
            detector=detector.parts(),
            preparation=Preparation(
                alignment="eyes and box",
                colour="BGR",
                resize=f"letterboxed to {entry.size[0]} x {entry.size[1]}, areas then cubic",
                normalization="base",
            ),
        )
        return cls(detector, client, entry.size, model)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.size[1], self.size[0], 3)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [
            FoundFace(face, align(pixels, face, (ALIGNED, ALIGNED)), self._network_input(pixels, face))
            for face in self.detector.detect(pixels)
        ]

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        with self.lock:
            vectors = np.array(self.client.forward(faces), dtype=np.float32)
        return unit(vectors.reshape(len(faces), self.model.dims))

    def _network_input(self, pixels: Pixels, face: Detection) -> NDArray[np.float32]:
        from deepface.modules import preprocessing

        width, height = self.size
        factor = min(width / face.box[2], height / face.box[3])
        fitting = (max(1, round(face.box[2] * factor)), max(1, round(face.box[3] * factor)))
        upright = align(pixels, face, fitting)[:, :, ::-1]
        prepared = preprocessing.resize_image(upright, (height, width))
        return np.asarray(preprocessing.normalize_input(prepared, "base")[0], dtype=np.float32)
