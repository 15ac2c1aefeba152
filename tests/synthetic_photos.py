"""Vectors of photos whose truth is known: people are points on a sphere, photos are points near them."""

from __future__ import annotations

import numpy as np

DIMS = 16


def photographed(people: int, each: int, seed: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (people x each, dims) of any length, and who is on them."""
    random = np.random.default_rng(seed)
    faces = random.normal(size=(people, DIMS))
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    vectors = np.repeat(faces, each, axis=0) + random.normal(size=(people * each, DIMS)) * noise / DIMS**0.5
    return (11.8 * vectors).astype(np.float32), np.repeat(np.arange(people), each)
