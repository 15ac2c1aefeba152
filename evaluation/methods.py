"""Methods from photos to vectors, side by side: this project's, DeepFace's, the report's, and no detection.

All methods get the same pixels, as the service decodes them (upright RGB), and one face a photo, so that they
differ in nothing else. A photo without a vector is a failure of the method: a row of NaN, never left out.
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

from faces.error_rates.arrays import Flags, Vectors
from faces.error_rates.similarity import Similarity, cosine, without_face
from ingest_service import deepface_library, profiles
from ingest_service.decoding import decode
from ingest_service.detection import Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.errors import FaceServiceError, SettingsError
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, WeightsError, require_intact

Vector = NDArray[np.float32]
Embedder = Callable[[Pixels], "Vector | None"]
"""One photo to its network's vector, of any length; None without a face. Called from several threads."""

Progress = Callable[[int], object]
"""Called after each photo with the number that is done."""


@dataclass(frozen=True)
class MethodVectors:
    """
    vectors: (n, dims) float32, a row a photo in the order of the photos; NaN where there is none.
    unreadable: (n,) the file is no photo that can be read, which is no fault of the method.
    seconds: for reading, finding and embedding, without loading the networks.
    """

    vectors: Vectors
    unreadable: Flags
    seconds: float

    @property
    def failed(self) -> Flags:
        """(n,): there is no vector; unreadable photos included."""
        return without_face(self.vectors)

    def as_units(self) -> MethodVectors:
        return MethodVectors(unit(self.vectors), self.unreadable, self.seconds)


def closeness(ones: Vectors, others: Vectors) -> NDArray[np.float32]:
    """(n, dims) and (m, dims) vectors -> (n, m): the report's 1 / (1 + Euclidean distance), above 0 to 1."""
    left, right = ones.astype(np.float64), others.astype(np.float64)
    squares = (left**2).sum(axis=1)[:, np.newaxis] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(1 / (1 + np.sqrt(np.maximum(squares, 0))), dtype=np.float32)


@dataclass(frozen=True)
class Method:
    """
    about: what it is, on one line.
    build: loads its networks.
    raw: keep the vectors' length as the network gives it; else they are scaled to length 1.
    similarity: of (n, dims) and (m, dims) of its vectors: (n, m), the higher, the more alike.
    """

    name: str
    about: str
    build: Callable[[Cache], Embedder]
    raw: bool = False
    similarity: Similarity = cosine

    def load(self, cache: Cache) -> Callable[[Sequence[Path], Progress], MethodVectors]:
        """A function that embeds a list of photos.

        Raises:
            SettingsError, WeightsError: a package or a network is missing; the message says which.
        """
        embedder = self.build(cache)
        return lambda photos, progress: self.shape(embed(embedder, photos, progress))

    def shape(self, embedded: MethodVectors) -> MethodVectors:
        """Its vectors, from those of its network."""
        return embedded if self.raw else embedded.as_units()


@dataclass(frozen=True)
class MethodRun:
    """
    embedded: None if the method is unavailable; ``missing`` says why.
    """

    method: Method
    embedded: MethodVectors | None
    missing: str = ""


def side_by_side(
    methods: Sequence[Method], cache: Cache, photos: Sequence[Path], progress: Callable[[str, int], object]
) -> Iterator[MethodRun]:
    """Each method on all photos, in order. Methods with the same networks share one run.

    Args:
        progress: called with a method's name and the number of photos done.
    """
    runs: dict[Callable[[Cache], Embedder], MethodVectors] = {}
    for method in methods:
        if method.build not in runs:
            try:
                embedder = method.build(cache)
            except (SettingsError, WeightsError) as error:
                yield MethodRun(method, None, str(error))
                continue
            runs[method.build] = embed(embedder, photos, partial(progress, method.name))
        yield MethodRun(method, method.shape(runs[method.build]))


def embed(embedder: Embedder, photos: Sequence[Path], progress: Progress) -> MethodVectors:
    """All photos, one on each core at a time."""
    # Each core has a photo already, and with OpenCV's threads the order of Haar's faces changes.
    cv2.setNumThreads(1)
    found: dict[int, Vector] = {}
    unreadable = np.zeros(len(photos), dtype=np.bool_)

    def work(number: int) -> None:
        pixels = read(photos[number])
        if pixels is None:
            unreadable[number] = True
        elif (vector := embedder(pixels)) is not None:
            found[number] = vector

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for done, _ in enumerate(threads.map(work, range(len(photos))), start=1):
            progress(done)
    seconds = time.perf_counter() - started
    dims = max((len(vector) for vector in found.values()), default=1)
    vectors = np.full((len(photos), dims), np.nan, dtype=np.float32)
    for number, vector in found.items():
        vectors[number] = vector
    return MethodVectors(vectors, unreadable, seconds)


def read(path: Path) -> Pixels | None:
    """A photo's pixels, within the service's limits; None if it can't be read."""
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
    """``DeepFace.represent(photo, "Facenet")[0]["embedding"]``: of several faces the first."""
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
    """A copy for each thread of what isn't thread-safe: DeepFace shares its Haar cascades, which keep state
    while they search."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._own = build()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def profile_embedder(name: str, cache: Cache) -> Embedder:
    """A profile as the service serves it by default, of the largest face. In fp32, so that claims are the
    same on every CPU; `./run bench precision` compares. A photo that is too large for the profile is a
    failure, as the service would refuse it."""
    settings = Settings(profile=name, cache=cache.root, precision="fp32")
    profile = profiles.load(settings)

    def embedder(pixels: Pixels) -> Vector | None:
        if pixels.shape[0] * pixels.shape[1] > settings.pixel_limit:
            return None
        faces = profile.find(pixels)
        return profile.embed(faces[0].network_input[np.newaxis])[0] if faces else None

    return embedder


METHODS: tuple[Method, ...] = (
    Method("whole photo", "no detection: the photo stretched to 160 x 160, Facenet", _whole_photo),
    Method(
        "DeepFace default",
        "DeepFace.represent with Facenet and otherwise its defaults: Haar, aligned, normalization `base`",
        _deepface_default,
    ),
    Method(
        "report",
        "the report's method: DeepFace's default vectors, not scaled, 1 / (1 + Euclidean distance)",
        _deepface_default,
        raw=True,
        similarity=closeness,
    ),
    Method(
        "deepface",
        "the profile `deepface`: DeepFace with CenterFace, its alignment, normalization `Facenet`",
        partial(profile_embedder, "deepface"),
    ),
    Method(
        "facenet",
        "the profile `facenet`, the default: CenterFace with two looks, eyes and box, RGB, stretched",
        partial(profile_embedder, "facenet"),
    ),
    Method(
        "sface",
        "the profile `sface`: faces found as by `facenet`, five points on SFace's template",
        partial(profile_embedder, "sface"),
    ),
    Method(
        "facenet-sface",
        "the profile `facenet-sface`: both of the above in one vector",
        partial(profile_embedder, "facenet-sface"),
    ),
    Method(
        "facenet-int8",
        "the profile `facenet-int8`: Facenet in int8, calibrated on the sample; else as `facenet`",
        partial(profile_embedder, "facenet-int8"),
    ),
    Method(
        "dlib",
        "the model `Dlib`: dlib's ResNet, faces found as by `facenet`",
        partial(profile_embedder, "Dlib"),
    ),
)
"""In the order of the table."""
