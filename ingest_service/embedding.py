"""A face's pixels to its vector: Facenet and SFace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest_service import networks
from ingest_service.networks import ONNX_FP32, Network, Runtime

Own = TypeVar("Own", bound="RecognitionNetwork")


@dataclass(frozen=True)
class RecognitionNetwork:
    """A network that makes vectors of faces.

    Held twice, since a runtime fixes a network's threads. ``one_core`` runs on its caller's thread:
    several callers with a core each embed a fifth more faces than all cores on one batch, which wait for
    each other at each of the network's 130 convolutions. ``all_cores`` embeds a single face soonest.
    """

    one_core: Network
    all_cores: Network

    @classmethod
    def load(cls: type[Own], path: Path, cores: int, runtime: Runtime = ONNX_FP32) -> Own:
        one_core = networks.load(path, 1, runtime)
        return cls(one_core, networks.load(path, cores, runtime) if cores > 1 else one_core)

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        """(n, *input_shape) faces -> (n, dims) vectors, as the network gives them."""
        network = self.all_cores if all_cores else self.one_core
        return np.asarray(network.run(faces)[0], dtype=np.float32)


@dataclass(frozen=True)
class Facenet(RecognitionNetwork):
    """FaceNet's 128-d network (Schroff et al. 2015, arXiv:1503.03832), in DeepFace's conversion, for whitened
    faces."""

    size: int = 160
    dims: int = 128

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.size, self.size, 3)


@dataclass(frozen=True)
class SFace(RecognitionNetwork):
    """SFace's 128-d network (Zhong et al. 2021, arXiv:2205.12010), of OpenCV's model zoo, for RGB planes of 0
    to 255, which it normalizes itself."""

    size: int = 112
    dims: int = 128

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, self.size, self.size)


def whiten(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each face to mean 0 and deviation 1: what FaceNet was trained on, DeepFace's ``Facenet``."""
    ((mean,),), ((deviation,),) = cv2.meanStdDev(face.reshape(-1, 1))
    deviation = max(deviation, 1 / face.size**0.5)
    return np.asarray((face.astype(np.float32) - np.float32(mean)) / np.float32(deviation))


def planes(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, columns, 3) -> (3, rows, columns)."""
    return np.ascontiguousarray(face.transpose(2, 0, 1), dtype=np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors scaled to length 1, along the last axis: Elasticsearch's cosine is then a dot product."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
