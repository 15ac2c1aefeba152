"""The profile ``facenet-sface``: two networks that err on different photos, side by side in one vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest_service import facenet, sface
from ingest_service.alignment import align
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import Facenet, SFace, unit, whiten
from ingest_service.model import FoundFace, Loading, Model, Preparation
from ingest_service.weights.cache import SFACE_SHA256, facenet_digest

SFACE_WEIGHT = 0.6
"""Of SFace's similarity in that of the whole vector, 0 to 1. Chosen on the sample and on LFW, so that all
numbers of this profile on these are in-sample: `./run bench profile`."""


@dataclass(frozen=True)
class FacenetSFaceProfile:
    """Facenet's unit vector times the root of its weight, then SFace's times the root of its own: together a
    unit vector again, and the cosine of two such is the weighted mean of the two networks' cosines. The first
    half points where the profile ``facenet``'s vector does. A face is found once for both.
    """

    detector: Detector
    facenet: Facenet
    sface: SFace
    model: Model

    @classmethod
    def load(cls, loading: Loading) -> FacenetSFaceProfile:
        detector = loading.load_detector()
        ours, theirs = facenet.PREPARATION, sface.PREPARATION
        weights = {"facenet": facenet_digest(loading.cache), "sface": [SFACE_SHA256, SFACE_WEIGHT]}
        both = Preparation(
            alignment=f"{ours.alignment}; {theirs.alignment}",
            colour=ours.colour,
            resize=f"{ours.resize}; {theirs.resize}",
            normalization=f"{ours.normalization}; {theirs.normalization}",
        )
        model = loading.model(detector, weights, both)
        cache, cores, runtime = loading.cache, loading.cores, loading.runtime
        return cls(
            detector,
            Facenet.load(cache.facenet, cores, runtime),
            SFace.load(cache.sface, cores, runtime),
            model,
        )

    @property
    def input_shape(self) -> tuple[int]:
        """The inputs of both networks, one after the other."""
        return (int(np.prod(self.facenet.input_shape) + np.prod(self.sface.input_shape)),)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        return [self.prepare(pixels, face) for face in self.detector.detect(pixels)]

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        aligned = align(pixels, face, (self.facenet.size, self.facenet.size))
        both = np.concatenate([whiten(aligned).ravel(), sface.network_input(pixels, face).ravel()])
        return FoundFace(face, aligned, both)

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        first = int(np.prod(self.facenet.input_shape))
        ours = self.facenet.embed(faces[:, :first].reshape(-1, *self.facenet.input_shape), all_cores)
        theirs = self.sface.embed(faces[:, first:].reshape(-1, *self.sface.input_shape), all_cores)
        return side_by_side(ours, theirs)


def side_by_side(facenet: NDArray[np.float32], sface: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 128) vectors of each network, of any length -> (n, 256) unit vectors."""
    weighted = (
        unit(vectors) * np.float32(weight**0.5)
        for vectors, weight in ((facenet, 1 - SFACE_WEIGHT), (sface, SFACE_WEIGHT))
    )
    return np.concatenate(list(weighted), axis=1)
