"""A photo's way through the service: decoded and searched on a pool of threads, embedded in batches."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service import pictures
from ingest_service.admission import Bound
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


Vectors = NDArray[np.float32]
Halfway = tuple[dict[str, Any], "Future[Vectors] | None"]
"""A photo's result without vectors, and these as soon as they are there."""


class Works:
    """Finds and embeds faces for many callers at once, within bounds.

    At most ``settings.max_waiting`` photos are inside, and as many again that a person waits for; the next
    request is refused, however many threads there are. ``settings.workers`` threads decode and detect, as
    many embed; and as many more decode and detect what a person waits for, with one that embeds it.
    """

    def __init__(self, profile: Profile, settings: Settings, metrics: Metrics) -> None:
        self._profile = profile
        self._settings = settings
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="photo")
        # What a person waits for has threads of its own, and never waits behind what waits in bulk.
        self._urgent_pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="urgent-photo")
        self._batches = self._batcher(runners=settings.workers, linger=settings.linger_ms / 1000, alone=False)
        self._urgent = self._batcher(runners=1, linger=0, alone=True)
        self._photos = Bound(settings.max_waiting, "too many photos wait already")
        self._urgent_photos = Bound(settings.max_waiting, "too many searches wait already")
        metrics.queue_depth.labels("photos").set_function(
            lambda: self._photos.inside + self._urgent_photos.inside
        )
        metrics.queue_depth.labels("faces").set_function(lambda: self._batches.depth() + self._urgent.depth())

    def _batcher(self, runners: int, linger: float, alone: bool) -> Batcher:
        def embed(faces: Vectors) -> Vectors:
            with self._metrics.stage("embed"):
                return self._profile.embed(faces, alone)

        return Batcher(
            embed,
            self._settings.max_batch,
            linger,
            capacity=16 * self._settings.max_waiting,
            observe=self._metrics.batch_size.observe,
            runners=runners,
            fair=lambda: self._photos.inside // runners,
        )

    def answer(self, wishes: list[Wish], returns: frozenset[str], urgent: bool) -> list[dict[str, Any]]:
        """A result for each photo, in order; one's own failure stands in its place and touches no other.

        Args:
            urgent: a person waits: its faces go through the network at once, on all cores.

        Raises:
            FaceServiceError: ``overloaded``, or ``deadline_exceeded``.
        """
        deadline = time.monotonic() + self._settings.deadline_s
        with (self._urgent_photos if urgent else self._photos).holding(len(wishes)):
            pool = self._urgent_pool if urgent else self._pool
            prepared = [pool.submit(self._prepare, wish, returns, urgent) for wish in wishes]
            try:
                halfway = [future.result(deadline - time.monotonic()) for future in prepared]
                results = [self._finish(result, vectors, deadline) for result, vectors in halfway]
            except TimeoutError:
                raise FaceServiceError("deadline_exceeded", "the photos took too long") from None
            finally:
                for future in prepared:
                    _give_up(future)
        for result in results:
            if "error" in result:
                self._metrics.errors.labels(result["error"]["code"]).inc()
            self._metrics.faces.inc(len(result.get("faces", ())))
        self._metrics.photos.inc(len(results))
        return results

    def _prepare(self, wish: Wish, returns: frozenset[str], urgent: bool) -> Halfway:
        try:
            with self._metrics.stage("decode"):
                photo = decode(wish.image, self._settings.max_bytes, self._settings.pixel_limit)
            with self._metrics.stage("detect"):
                wanted = self._find(photo, wish)
            vectors = None
            if wanted and "vector" in returns:
                # Who is the only one inside has no company to linger for, and all cores.
                queue = self._urgent if urgent or self._photos.inside == 1 else self._batches
                vectors = queue.submit(np.stack([face.network_input for face, _ in wanted]))
            # While the faces are in the network.
            with self._metrics.stage("pictures"):
                return _describe(photo, wanted, returns), vectors
        except FaceServiceError as error:
            if error.code == "overloaded":
                raise
            return error.as_json(), None
        except Exception as error:
            log.error("unexpected %s\n%s", type(error).__name__, where(error))
            return FaceServiceError("internal", "the photo couldn't be worked on").as_json(), None

    def _find(self, photo: Photo, wish: Wish) -> list[tuple[FoundFace, Quality]]:
        faces = [(face, assess(face.detection, face.aligned)) for face in self._profile.find(photo.pixels)]
        wanted = [
            (face, quality)
            for face, quality in faces
            if face.detection.confidence >= wish.min_confidence and quality.score >= wish.min_quality
        ]
        return wanted[: wish.max_faces]

    def _finish(
        self, result: dict[str, Any], vectors: Future[Vectors] | None, deadline: float
    ) -> dict[str, Any]:
        if vectors is not None:
            for face, vector in zip(
                result["faces"], vectors.result(deadline - time.monotonic()), strict=True
            ):
                face["vector"] = [float(f"{value:.8g}") for value in vector]
        return result


def _give_up(prepared: Future[Halfway]) -> None:
    """Whatever of it isn't done has nobody left who waits: of use when one photo failed its request."""
    if not prepared.cancel() and prepared.done() and prepared.exception() is None:
        vectors = prepared.result()[1]
        if vectors is not None:
            vectors.cancel()


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
    if returns & {"fingerprint", "thumbnail"}:
        small = pictures.miniature(photo.pixels)
        if "fingerprint" in returns:
            result["photo"]["fingerprint"] = pictures.fingerprint(small)
        if "thumbnail" in returns:
            result["thumbnail"] = pictures.thumbnail(small)
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
