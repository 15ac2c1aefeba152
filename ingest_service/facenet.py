"""The profiles ``facenet`` and ``facenet-thorough``: Facenet, with faces prepared as in its training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest_service.alignment import align
from ingest_service.detection import Detector, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.model import FoundFace, Loading, Model, Preparation
from ingest_service.weights.cache import facenet_digest

WIDER = 1.08
"""Of the second view's box. Of 1, 1.08 and 1.12 it misses the fewest of half of LFW's searches at an FPIR of
0.01: `./run bench profile`."""


@dataclass(frozen=True)
class FacenetProfile:
    """RGB, the box turned until the eyes are level and stretched, faces found on a bounded copy.

    second_view: a vector is the mean direction of two: the face's, and that of the mirror image of a box
        ``WIDER`` times as wide and high, for twice the network's work.
    """

    detector: Detector
    network: Facenet
    model: Model
    second_view: bool = False

    @classmethod
    def load(cls, loading: Loading) -> FacenetProfile:
        return cls._load(loading, second_view=False)

    @classmethod
    def load_thorough(cls, loading: Loading) -> FacenetProfile:
        """With the second view."""
        return cls._load(loading, second_view=True)

    @classmethod
    def _load(cls, loading: Loading, second_view: bool) -> FacenetProfile:
        detector = loading.load_detector()
        model = Model.of(
            loading.entry.name,
            dims=loading.entry.dims,
            weights=facenet_digest(loading.cache),
            detector=detector.parts(),
            preparation=Preparation(
                alignment="eyes and box" + (f", averaged with {WIDER} of it mirrored" if second_view else ""),
                colour="RGB",
                resize="stretched to 160 x 160, halved, areas, then cubic",
                normalization="Facenet",
            ),
        )
        return cls(detector, Facenet.load(loading.cache.facenet, loading.cores), model, second_view)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of a face, or of its two views."""
        face = (self.network.size, self.network.size, 3)
        return (2, *face) if self.second_view else face

    def find(self, pixels: Pixels) -> list[FoundFace]:
        size = (self.network.size, self.network.size)
        found = []
        for detection in self.detector.detect(pixels):
            aligned = align(pixels, detection, size)
            network_input = whiten(aligned)
            if self.second_view:
                wider = align(pixels, detection.widened(WIDER), size)
                network_input = np.stack([network_input, whiten(wider[:, ::-1])])
            found.append(FoundFace(detection, aligned, network_input))
        return found

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        if not self.second_view:
            return unit(self.network.embed(faces, all_cores))
        # Each view in a run of its own, or a full batch would take twice the memory.
        one, other = (
            unit(self.network.embed(np.ascontiguousarray(faces[:, view]), all_cores)) for view in range(2)
        )
        return unit(one + other)
