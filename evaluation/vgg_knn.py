"""The report's baseline: VGG-16's features of whole photos, and the nearest neighbours' labels.

VGG-16 (Simonyan and Zisserman 2015, arXiv:1409.1556) in Keras, without its top and averaged over the places
of its last layer (``pooling="avg"``): 512 numbers a photo. The other usual recipe flattens that layer, 25,088
numbers a photo or 1.3 GB for LFW's 13,233 photos, and gives the same on its own training set. There is no
face detection: photos are stretched to the network's 224 x 224.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.methods import MethodVectors, Progress, read
from faces.error_rates.arrays import Vectors
from ingest_service.detection import Pixels
from ingest_service.errors import UserError

NEIGHBOURS = (1, 2, 3)

ABOUT = "the report's baseline: VGG-16's features of the whole photo, the labels of the k nearest photos"

TRAINING_SET_NOTE = (
    "The report's 99.98 % at k = 1 was scored on the photos that the classifier was fitted on. There each "
    "photo is its own nearest neighbour, at distance 0, and gets its own label back: random features score "
    "the same, and only a photo with a copy under another name can miss. Accuracy shows on photos that were "
    "left out of the fit."
)

WEIGHTS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
"""What Keras calls the ImageNet weights of VGG-16 without its top."""

PATIENCE_S = 180
"""Seconds for Keras's download, TensorFlow's import included."""

SIDE, DIMS, BATCH = 224, 512, 16

_FETCH = "import keras; keras.applications.VGG16(weights='imagenet', include_top=False)"


class VggError(UserError):
    """VGG-16's weights are missing; the message says why, and what to do."""


@dataclass(frozen=True)
class KnnScore:
    """The share of photos that get their own label from their ``k`` nearest neighbours.

    training_set: scored on the photos that the classifier was fitted on, as the report did.
    left_out: fitted without the last photo of each person who has two or more, scored on these.
    Either is None where fewer than k photos could be fitted, ``left_out`` too where nobody has two.
    """

    k: int
    training_set: float | None
    left_out: float | None


Neighbours = tuple[KnnScore, ...] | str
"""A score for each k, or why there is none."""


@dataclass(frozen=True)
class Vgg:
    """network: Keras's, (n, 224, 224, 3) preprocessed pixels -> (n, 512)."""

    network: Any

    @classmethod
    def load(cls, weights: Path | None = None, patience_s: float = PATIENCE_S) -> Vgg:
        """
        Args:
            weights: a file; by default ImageNet's, which Keras downloads once into its own folder.

        Raises:
            VggError: they can't be fetched within ``patience_s`` seconds, or the file has other weights.
        """
        if weights is None:
            _fetch(patience_s)
            return cls.build("imagenet")
        try:
            return cls.build(str(weights))
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise VggError(
                f"{weights} doesn't hold VGG-16's weights without its top, which Keras calls {WEIGHTS_FILE}: "
                f"{reason[0]}"
            ) from None

    @classmethod
    def build(cls, weights: str | None) -> Vgg:
        """
        Args:
            weights: ``imagenet``, a file, or None for random ones.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras

        shape = (SIDE, SIDE, 3)
        return cls(keras.applications.VGG16(False, weights, input_shape=shape, pooling="avg"))

    def embed(self, photos: Sequence[Path], progress: Progress) -> MethodVectors:
        """All photos, in batches; only photos that can't be read fail."""
        vectors = np.full((len(photos), DIMS), np.nan, dtype=np.float32)
        unreadable = np.zeros(len(photos), dtype=np.bool_)
        started = time.perf_counter()
        for numbers, batch in _batches(photos):
            known = np.array([pixels is not None for pixels in batch])
            unreadable[numbers[~known]] = True
            if known.any():
                vectors[numbers[known]] = self._features([pixels for pixels in batch if pixels is not None])
            progress(int(numbers[-1]) + 1)
        return MethodVectors(vectors, unreadable, time.perf_counter() - started)

    def _features(self, photos: list[Pixels]) -> Vectors:
        from keras.applications.vgg16 import preprocess_input

        prepared = preprocess_input(np.stack(photos).astype(np.float32))
        return np.asarray(self.network.predict_on_batch(prepared), dtype=np.float32)


def score(vectors: Vectors, people: NDArray[np.integer[Any]]) -> list[KnnScore]:
    """For k = 1, 2 and 3, by scikit-learn's KNeighborsClassifier with defaults otherwise, as in the report.

    Args:
        vectors: (n, dims); NaN for a photo that failed: it is no neighbour, and an error where it is scored.
        people: (n,) each photo's person.
    """
    everything = np.arange(len(people))
    last = left_out(people)
    rest = np.setdiff1d(everything, last)
    return [
        KnnScore(
            k,
            _right(k, vectors, people, everything, everything),
            _right(k, vectors, people, rest, last),
        )
        for k in NEIGHBOURS
    ]


def left_out(people: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Positions of the last photo of each person who has two or more, in order."""
    backwards = people[::-1]
    _, last, counts = np.unique(backwards, return_index=True, return_counts=True)
    return np.sort(len(people) - 1 - last[counts > 1])


def _right(
    k: int,
    vectors: Vectors,
    people: NDArray[np.integer[Any]],
    fitted: NDArray[np.intp],
    scored: NDArray[np.intp],
) -> float | None:
    from sklearn.neighbors import KNeighborsClassifier

    known = ~np.isnan(vectors).any(axis=1)
    fitted = fitted[known[fitted]]
    if len(fitted) < k or not len(scored):
        return None
    asked = scored[known[scored]]
    if not len(asked):
        return 0.0
    with warnings.catch_warnings():
        # About labels that are nearly as many as the photos: most people of LFW have one.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        classifier = KNeighborsClassifier(n_neighbors=k).fit(vectors[fitted], people[fitted])
        return float((classifier.predict(vectors[asked]) == people[asked]).sum() / len(scored))


def _batches(photos: Sequence[Path]) -> Iterator[tuple[NDArray[np.intp], list[Pixels | None]]]:
    """Positions, and photos of the network's size."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for start in range(0, len(photos), BATCH):
            batch = photos[start : start + BATCH]
            yield np.arange(start, start + len(batch)), list(threads.map(_stretched, batch))


def _stretched(path: Path) -> Pixels | None:
    pixels = read(path)
    if pixels is None:
        return None
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _fetch(patience_s: float) -> None:
    """Keras's own download, in a process that can be stopped: its sockets have no timeout."""
    remedy = f"name the file that Keras calls {WEIGHTS_FILE} with --vgg-weights FILE"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    try:
        subprocess.run(
            [sys.executable, "-c", _FETCH],
            env=environment,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise VggError(
            f"VGG-16's ImageNet weights weren't downloaded within {patience_s:g} seconds: {remedy}"
        ) from None
    except subprocess.CalledProcessError as error:
        reason = str(error.stderr).strip().splitlines() or [f"status {error.returncode}"]
        raise VggError(f"VGG-16's ImageNet weights can't be fetched ({reason[-1]}): {remedy}") from None
