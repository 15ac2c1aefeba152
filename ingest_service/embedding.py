"""A face's pixels to its vector: Facenet in ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ingest_service import networks


@dataclass(frozen=True)
class Facenet:
    """FaceNet's 128-d network (Schroff et al. 2015, arXiv:1503.03832), in DeepFace's conversion.

    Held twice, since ONNX Runtime fixes a session's threads. ``one_core`` runs on its caller's thread:
    several callers with a core each embed a fifth more faces than all cores on one batch, which wait for
    each other at each of the network's 130 convolutions. ``all_cores`` embeds a single face soonest.
    """

    one_core: onnxruntime.InferenceSession
    all_cores: onnxruntime.InferenceSession
    size: int = 160
    dims: int = 128

    @classmethod
    def load(cls, path: Path, cores: int) -> Facenet:
        one_core = networks.load(path, threads=1)
        return cls(one_core, networks.load(path, cores) if cores > 1 else one_core)

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        """(n, 160, 160, 3) whitened faces -> (n, 128) vectors, as the network gives them."""
        network = self.all_cores if all_cores else self.one_core
        return np.asarray(networks.run(network, faces)[0], dtype=np.float32)


def whiten(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each face to mean 0 and deviation 1: what FaceNet was trained on, DeepFace's ``Facenet``."""
    ((mean,),), ((deviation,),) = cv2.meanStdDev(face.reshape(-1, 1))
    deviation = max(deviation, 1 / face.size**0.5)
    return np.asarray((face.astype(np.float32) - np.float32(mean)) / np.float32(deviation))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors scaled to length 1, along the last axis: Elasticsearch's cosine is then a dot product."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
