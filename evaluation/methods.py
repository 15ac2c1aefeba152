"""Ways from photos to vectors, side by side: this project's, DeepFace's, the report's, and none at all.

Every way is given the same pixels, as the service decodes them (upright RGB), and one face a photo, so that
what differs is the way alone. A photo that a way has no vector for is a failure of that way: a row of NaN,
never dropped.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.error_rates.identification import Similarity, cosine
from ingest_service import deepface_library, profiles
from ingest_service.decoding import decode
from ingest_service.detection import Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.errors import FaceServiceError, SettingsError
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, WeightsError, require_intact

DIMS = 128
"""Of every way's vectors: Facenet's and dlib's alike."""

Vector = NDArray[np.float32]
Vectors = NDArray[np.float32]
Embedder = Callable[[Pixels], "Vector | None"]
"""One photo to its network's vector, of any length; None without a face. Called from several threads."""

Progress = Callable[[int], object]
"""Told after each photo how many are done."""


@dataclass(frozen=True)
class Embedded:
    """
    vectors: (n, dims) float32, a row a photo in the order of the photos; NaN where there is none.
    unreadable: (n,) the file is no photo that can be read, which is no way's fault.
    seconds: reading, finding and embedding together, without the networks' loading.
    """

    vectors: Vectors
    unreadable: NDArray[np.bool_]
    seconds: float

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(n,) there is no vector, the unreadable ones included."""
        return np.asarray(np.isnan(self.vectors).any(axis=1))

    def as_units(self) -> Embedded:
        return Embedded(unit(self.vectors), self.unreadable, self.seconds)


def closeness(ones: Vectors, others: Vectors) -> NDArray[np.float32]:
    """(n, dims) and (m, dims) vectors -> (n, m): the report's 1 / (1 + Euclidean distance), above 0 to 1."""
    left, right = ones.astype(np.float64), others.astype(np.float64)
    squares = (left**2).sum(axis=1)[:, np.newaxis] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(1 / (1 + np.sqrt(np.maximum(squares, 0))), dtype=np.float32)


@dataclass(frozen=True)
class Way:
    """
    about: what it is, in a line.
    build: loads its networks.
    raw: its vectors keep the length that the network gives them; else they are unit vectors.
    similarity: of (n, dims) and (m, dims) of its vectors, (n, m), the higher the more alike.
    """

    name: str
    about: str
    build: Callable[[Cache], Embedder]
    raw: bool = False
    similarity: Similarity = cosine

    def load(self, cache: Cache) -> Callable[[Sequence[Path], Progress], Embedded]:
        """What embeds a list of photos.

        Raises:
            SettingsError, WeightsError: a package or a network isn't here; the message says which.
        """
        embedder = self.build(cache)
        return lambda photos, progress: self.shape(embed(embedder, photos, progress))

    def shape(self, embedded: Embedded) -> Embedded:
        """Its vectors, from those of its network."""
        return embedded if self.raw else embedded.as_units()


@dataclass(frozen=True)
class Row:
    """
    embedded: None where the way can't be gone here, and ``missing`` says what it lacks.
    """

    way: Way
    embedded: Embedded | None
    missing: str = ""


def side_by_side(
    ways: Sequence[Way], cache: Cache, photos: Sequence[Path], progress: Callable[[str, int], object]
) -> Iterator[Row]:
    """Each way on all photos, in order. Ways that share their networks share one run of them.

    Args:
        progress: told a way's name, and how many of the photos are done.
    """
    runs: dict[Callable[[Cache], Embedder], Embedded] = {}
    for way in ways:
        if way.build not in runs:
            try:
                embedder = way.build(cache)
            except (SettingsError, WeightsError) as error:
                yield Row(way, None, str(error))
                continue
            runs[way.build] = embed(embedder, photos, partial(progress, way.name))
        yield Row(way, way.shape(runs[way.build]))


def embed(embedder: Embedder, photos: Sequence[Path], progress: Progress) -> Embedded:
    """All photos, each on a thread, as many at a time as there are cores."""
    # A core works on each photo already; and Haar's finds change their order with OpenCV's threads.
    cv2.setNumThreads(1)
    vectors = np.full((len(photos), DIMS), np.nan, dtype=np.float32)
    unreadable = np.zeros(len(photos), dtype=np.bool_)

    def work(number: int) -> None:
        pixels = read(photos[number])
        if pixels is None:
            unreadable[number] = True
        elif (vector := embedder(pixels)) is not None:
            vectors[number] = vector

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for done, _ in enumerate(threads.map(work, range(len(photos))), start=1):
            progress(done)
    return Embedded(vectors, unreadable, time.perf_counter() - started)


def read(path: Path) -> Pixels | None:
    """A photo's pixels, within the service's bounds; None where it can't be read."""
    settings = Settings()
    try:
        return decode(path.read_bytes(), settings.max_bytes, settings.pixel_limit).pixels
    except (OSError, FaceServiceError):
        return None


def _whole_photo(cache: Cache) -> Embedder:
    require_intact(cache, "facenet")
    network = Facenet.load(cache.facenet, cores=1)

    def embedder(pixels: Pixels) -> Vector:
        size = (network.size, network.size)
        stretched = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return np.asarray(network.embed(whiten(stretched)[np.newaxis])[0])

    return embedder


def _deepface_default(cache: Cache) -> Embedder:
    """``DeepFace.represent(photo, "Facenet")[0]["embedding"]``: of several faces the first, as it is used."""
    require_intact(cache, "facenet")
    deepface_library.open_library(cache)
    from deepface import DeepFace
    from deepface.models.face_detection.OpenCv import OpenCvClient
    from deepface.modules import modeling
    from deepface.modules.exceptions import FaceNotDetected, ImgNotFound

    for task, name in (("face_detector", "opencv"), ("facial_recognition", "Facenet")):
        modeling.build_model(task, name)
    modeling.cached_models["face_detector"]["opencv"] = _PerThread(OpenCvClient)

    def embedder(pixels: Pixels) -> Vector | None:
        bgr = np.ascontiguousarray(pixels[:, :, ::-1])
        try:
            faces = DeepFace.represent(bgr, "Facenet")
        except (FaceNotDetected, ImgNotFound):
            return None
        return np.array(faces[0]["embedding"], dtype=np.float32)

    return embedder


class _PerThread(threading.local):
    """A copy for each thread of something that may not be used by two: DeepFace shares its Haar cascades,
    which keep state while they search."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._own = build()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def _profile(name: str, cache: Cache) -> Embedder:
    """A profile as the service serves it by default, its largest face. A photo that is too large for the
    profile, which the service would refuse, is a failure."""
    settings = Settings(profile=name, cache=cache.root)
    profile = profiles.load(settings)

    def embedder(pixels: Pixels) -> Vector | None:
        if pixels.shape[0] * pixels.shape[1] > settings.pixel_limit:
            return None
        faces = profile.find(pixels)
        return profile.embed(faces[0].network_input[np.newaxis])[0] if faces else None

    return embedder


WAYS: tuple[Way, ...] = (
    Way("whole photo", "no detection: the photo stretched to 160 x 160, Facenet", _whole_photo),
    Way(
        "DeepFace default",
        "DeepFace.represent with Facenet and else its defaults: Haar, aligned, normalization `base`",
        _deepface_default,
    ),
    Way(
        "report",
        "the report's way: DeepFace's default vectors as they come, 1 / (1 + Euclidean distance)",
        _deepface_default,
        raw=True,
        similarity=closeness,
    ),
    Way(
        "deepface",
        "the profile `deepface`: DeepFace with CenterFace, its alignment, normalization `Facenet`",
        partial(_profile, "deepface"),
    ),
    Way(
        "facenet",
        "the profile `facenet`, the default: CenterFace in two looks, eyes and box, RGB, stretched",
        partial(_profile, "facenet"),
    ),
    Way(
        "facenet-thorough",
        "the profile `facenet-thorough`: as `facenet`, several views of a face averaged",
        partial(_profile, "facenet-thorough"),
    ),
    Way("dlib", "the model `Dlib`: dlib's ResNet, faces found as by `facenet`", partial(_profile, "Dlib")),
)
"""In the order of the table."""
