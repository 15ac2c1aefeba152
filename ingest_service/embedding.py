"""A face's pixels to its vector: Facenet in ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


@dataclass(frozen=True)
class Facenet:
    """FaceNet's 128-d network (Schroff et al. 2015, arXiv:1503.03832), in DeepFace's conversion."""

    session: onnxruntime.InferenceSession
    size: int = 160
    dims: int = 128

    @classmethod
    def load(cls, path: Path, options: onnxruntime.SessionOptions) -> Facenet:
        return cls(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))

    def embed(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 160, 160, 3) whitened faces -> (n, 128) vectors, as the network gives them."""
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: faces})
        return np.asarray(outputs[0], dtype=np.float32)


def whiten(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each face to mean 0 and deviation 1: what FaceNet was trained on, DeepFace's ``Facenet``."""
    pixels = face.astype(np.float32)
    deviation = max(float(pixels.std()), 1 / pixels.size**0.5)
    return np.asarray((pixels - pixels.mean()) / deviation, dtype=np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors scaled to length 1, along the last axis: Elasticsearch's cosine is then a dot product."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
