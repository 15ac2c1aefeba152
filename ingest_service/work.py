"""A photo's way through the service: decoded and searched on a pool of threads, embedded in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service import pictures
from ingest_service.batching import Batcher
from ingest_service.decoding import Photo, decode
from ingest_service.detection import LANDMARKS
from ingest_service.errors import FaceServiceError
from ingest_service.model import FoundFace
from ingest_service.profiles import Profile
from ingest_service.quality import Quality, assess
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics, where

log = logging.getLogger("ingest_service")


@dataclass(frozen=True)
class Wish:
    """One photo as sent (base64, or bytes), and what its sender wants of it: at most so many faces (largest
    first), from so much confidence and quality on (0 to 1)."""

    image: object
    max_faces: int | None = None
    min_confidence: float = 0.0
    min_quality: float = 0.0


Halfway = tuple[dict[str, Any], "Future[NDArray[np.float32]] | None"]
"""A photo's result without vectors, and these as soon as they are there."""


@dataclass(frozen=True)
class Prepared:
    """All but the vectors."""

    result: dict[str, Any]
    faces: list[FoundFace]


class Works:
    """Finds and embeds faces for many callers at once, within bounds.

    At most ``settings.max_waiting`` photos are inside; the next request is refused, however many threads
    there are. ``settings.workers`` threads decode and detect; one embeds.
    """

    def __init__(self, profile: Profile, settings: Settings, metrics: Metrics) -> None:
        self._profile = profile
        self._settings = settings
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="photo")
        self._batcher = Batcher(
            self._embed,
            settings.max_batch,
            settings.linger_ms / 1000,
            capacity=16 * settings.max_waiting,
            observe=metrics.batch_size.observe,
        )
        self._inside = 0
        self._door = threading.Lock()
        metrics.queue_depth.labels("photos").set_function(lambda: self._inside)
        metrics.queue_depth.labels("faces").set_function(self._batcher.depth)

    def answer(self, wishes: list[Wish], returns: frozenset[str], urgent: bool) -> list[dict[str, Any]]:
        """A result for each photo, in order; one's own failure stands in its place and touches no other.

        Args:
            urgent: a person waits: its faces don't linger for company.

        Raises:
            FaceServiceError: ``overloaded``, or ``deadline_exceeded``.
        """
        deadline = time.monotonic() + self._settings.deadline_s
        with self._admitted(len(wishes)):
            prepared = [self._pool.submit(self._prepare, wish, returns) for wish in wishes]
            halfway: list[Halfway] = []
            try:
                for future in prepared:
                    # Where nobody else is inside, there is no company to linger for.
                    alone = self._inside <= len(wishes)
                    halfway.append(self._embedding(future, returns, urgent or alone, deadline))
                results = [self._finish(result, vectors, deadline) for result, vectors in halfway]
            except TimeoutError:
                raise FaceServiceError("deadline_exceeded", "the photos took too long") from None
            finally:
                # Nobody waits any more for what isn't done: of use when one of them failed the request.
                for future in prepared:
                    future.cancel()
                for _, vectors in halfway:
                    if vectors is not None:
                        vectors.cancel()
        for result in results:
            if "error" in result:
                self._metrics.errors.labels(result["error"]["code"]).inc()
            self._metrics.faces.inc(len(result.get("faces", ())))
        self._metrics.photos.inc(len(results))
        return results

    @contextmanager
    def _admitted(self, photos: int) -> Iterator[None]:
        with self._door:
            # A request that is larger than the bound gets in when nothing else is inside.
            if self._inside and self._inside + photos > self._settings.max_waiting:
                raise FaceServiceError("overloaded", "too many photos wait already")
            self._inside += photos
        try:
            yield
        finally:
            with self._door:
                self._inside -= photos

    def _prepare(self, wish: Wish, returns: frozenset[str]) -> Prepared:
        try:
            with self._metrics.stage("decode"):
                photo = decode(wish.image, self._settings.max_bytes, self._settings.pixel_limit)
            with self._metrics.stage("detect"):
                wanted = self._find(photo, wish)
            with self._metrics.stage("pictures"):
                result = _describe(photo, wanted, returns)
            return Prepared(result, [face for face, _ in wanted])
        except FaceServiceError as error:
            return Prepared(error.as_json(), [])
        except Exception as error:
            log.error("unexpected %s\n%s", type(error).__name__, where(error))
            return Prepared(FaceServiceError("internal", "the photo couldn't be worked on").as_json(), [])

    def _find(self, photo: Photo, wish: Wish) -> list[tuple[FoundFace, Quality]]:
        faces = [(face, assess(face.detection, face.aligned)) for face in self._profile.find(photo.pixels)]
        wanted = [
            (face, quality)
            for face, quality in faces
            if face.detection.confidence >= wish.min_confidence and quality.score >= wish.min_quality
        ]
        return wanted[: wish.max_faces]

    def _embedding(
        self, future: Future[Prepared], returns: frozenset[str], urgent: bool, deadline: float
    ) -> Halfway:
        prepared = future.result(deadline - time.monotonic())
        if not prepared.faces or "vector" not in returns:
            return prepared.result, None
        inputs = np.stack([face.network_input for face in prepared.faces])
        return prepared.result, self._batcher.submit(inputs, urgent)

    def _finish(
        self, result: dict[str, Any], vectors: Future[NDArray[np.float32]] | None, deadline: float
    ) -> dict[str, Any]:
        if vectors is not None:
            for face, vector in zip(
                result["faces"], vectors.result(deadline - time.monotonic()), strict=True
            ):
                face["vector"] = [float(f"{value:.8g}") for value in vector]
        return result

    def _embed(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._metrics.stage("embed"):
            return self._profile.embed(faces)


def _describe(
    photo: Photo, wanted: list[tuple[FoundFace, Quality]], returns: frozenset[str]
) -> dict[str, Any]:
    faces = [_face(face, quality) for face, quality in wanted]
    if "crop" in returns:
        for entry, (face, _) in zip(faces, wanted, strict=True):
            entry["crop"] = pictures.crop(photo.pixels, face.detection)
    result: dict[str, Any] = {
        "faces": faces,
        "photo": {"width": photo.width, "height": photo.height},
        "file": {"size": photo.size, "mime_type": photo.mime_type, "hash": {"sha256": photo.sha256}},
    }
    if photo.taken:
        result["photo"]["taken"] = photo.taken
    if "fingerprint" in returns:
        result["photo"]["fingerprint"] = pictures.fingerprint(photo.pixels)
    if "thumbnail" in returns:
        result["thumbnail"] = pictures.thumbnail(photo.pixels)
    return result


def _face(face: FoundFace, quality: Quality) -> dict[str, Any]:
    """Box, confidence, quality and landmarks; boxes in whole pixels of the upright photo."""
    x, y, width, height = face.detection.box
    points = zip(LANDMARKS, face.detection.landmarks.tolist(), strict=True)
    return {
        "box": {"x": round(x), "y": round(y), "width": max(1, round(width)), "height": max(1, round(height))},
        "confidence": round(face.detection.confidence, 4),
        "quality": quality.as_json(),
        "landmarks": {
            name: {"x": round(px, 1), "y": round(py, 1)} for name, (px, py) in points if isfinite(px)
        },
    }
