"""A photo's path through the service: decoded and searched on a pool of threads, embedded in batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest_service import drawn_boxes, drawn_faces, renditions
from ingest_service.batching import Batcher
from ingest_service.decoders.lanes import Cancelled, Request
from ingest_service.decoding import Photo
from ingest_service.errors import FaceServiceError
from ingest_service.model import FoundFace, Profile
from ingest_service.photo_queue import PhotoQueue
from ingest_service.quality import Quality, assess
from ingest_service.resolution import Resolution
from ingest_service.schemas import ErrorDetail, FaceAnswer, FileAnswer, PhotoAnswer, PhotoResult
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics, where

log = logging.getLogger("ingest_service")

Vectors = NDArray[np.float32]

LOOK_S = 2
"""Seconds between looks whether the client still waits."""


@dataclass(frozen=True)
class PhotoJob:
    """
    image: the photo as sent: base64, or bytes.
    max_faces: of the answer, largest first; None for all.
    min_confidence, min_quality: 0 to 1; other faces are dropped.
    boxes: that a person drew, as sent; see ``drawn_faces``.
    """

    image: object
    max_faces: int | None = None
    min_confidence: float = 0.0
    min_quality: float = 0.0
    boxes: object = None


@dataclass(frozen=True)
class Wanted:
    """A face of the answer. drawn: whether a person drew its box."""

    face: FoundFace
    quality: Quality
    drawn: bool = False


@dataclass(frozen=True)
class PendingResult:
    """A photo's result without vectors, and the vectors that are being computed, if any are wanted."""

    result: PhotoResult
    vectors: Future[Vectors] | None = None

    def finished(self, deadline: float) -> PhotoResult:
        """
        Raises:
            TimeoutError: the vectors aren't there by ``deadline``, of the monotonic clock.
        """
        if self.vectors is None or self.result.faces is None:
            return self.result
        vectors = self.vectors.result(deadline - time.monotonic())
        faces = [
            face.model_copy(update={"vector": [float(f"{value:.8g}") for value in vector.tolist()]})
            for face, vector in zip(self.result.faces, vectors, strict=True)
        ]
        return self.result.model_copy(update={"faces": faces})


class FacePipeline:
    """Finds and embeds faces for many callers at once, within limits.

    Bulk work and interactive requests have a queue each, so these never wait behind bulk work. For each kind,
    ``settings.workers`` threads embed, or for interactive requests one, on all cores.
    """

    def __init__(self, profile: Profile, settings: Settings, metrics: Metrics) -> None:
        self._profile = profile
        self._settings = settings
        self._metrics = metrics
        self._resolution = Resolution.of(settings)
        self._bulk = PhotoQueue(settings, metrics, "photos")
        self._interactive = PhotoQueue(settings, metrics, "searches")
        self._batches = self._batcher(settings.workers, settings.linger_ms / 1000, all_cores=False)
        self._interactive_batches = self._batcher(threads=1, max_wait=0, all_cores=True)
        metrics.queue_depth.labels("photos").set_function(
            lambda: self._bulk.in_progress + self._interactive.in_progress
        )
        metrics.queue_depth.labels("faces").set_function(
            lambda: self._batches.depth() + self._interactive_batches.depth()
        )

    def close(self) -> None:
        """Ends its threads and processes, which hold its networks: for a program that makes several, as a
        service ends with its process."""
        for part in (self._bulk, self._interactive, self._batches, self._interactive_batches):
            part.close()

    def _batcher(self, threads: int, max_wait: float, all_cores: bool) -> Batcher:
        def embed(faces: Vectors) -> Vectors:
            with self._metrics.stage("embed"):
                return self._profile.embed(faces, all_cores)

        return Batcher(
            embed,
            self._settings.max_batch,
            max_wait,
            capacity=16 * self._settings.max_waiting,
            reserve=4 * self._settings.max_waiting,
            observe=self._metrics.batch_size.observe,
            threads=threads,
            share=lambda: self._bulk.in_progress // threads,
            coming=lambda: self._bulk.searching,
        )

    def run(
        self,
        jobs: list[PhotoJob],
        returns: frozenset[str],
        interactive: bool,
        has_hung_up: Callable[[], bool] = lambda: False,
    ) -> list[PhotoResult]:
        """A result for each photo, in order; a photo's failure is its own result and affects no other.

        Args:
            interactive: skips batching; faces are embedded at once, on all cores.
            has_hung_up: whether nobody awaits the results any more; asked now and then.

        Raises:
            FaceServiceError: ``overloaded``, or ``deadline_exceeded``.
        """
        deadline = time.monotonic() + self._settings.deadline_s
        queue = self._interactive if interactive else self._bulk
        with queue.admitted(len(jobs)) as request:
            started = [queue.threads.submit(self._start, job, returns, interactive, request) for job in jobs]
            try:
                pending = [_awaited(future, deadline, has_hung_up) for future in started]
                results = [photo.finished(deadline) for photo in pending]
            except TimeoutError:
                raise FaceServiceError("deadline_exceeded", "the photos took too long") from None
            finally:
                request.end()  # stops what is being decoded
                for future in started:
                    _cancel(future)
        self._count(results)
        return results

    def _count(self, results: list[PhotoResult]) -> None:
        for result in results:
            if result.error:
                self._metrics.errors.labels(result.error.code).inc()
            self._metrics.faces.inc(len(result.faces or ()))
        self._metrics.photos.inc(len(results))

    def _start(
        self, job: PhotoJob, returns: frozenset[str], interactive: bool, request: Request
    ) -> PendingResult:
        """Everything but the wait for the vectors."""
        try:
            queue = self._interactive if interactive else self._bulk
            with queue.searched(), queue.decoders.photo(job.image, request) as decoded:
                return self._searched(decoded, job, returns, interactive, request)
        except Cancelled:
            raise
        except FaceServiceError as error:
            if error.code == "overloaded":
                raise
            return PendingResult(PhotoResult(error=ErrorDetail.of(error)))
        except Exception as error:
            log.error("unexpected %s\n%s", type(error).__name__, where(error))
            internal = FaceServiceError("internal", "the photo couldn't be processed")
            return PendingResult(PhotoResult(error=ErrorDetail.of(internal)))

    def _searched(
        self,
        decoded: Callable[[int | None], Photo],
        job: PhotoJob,
        returns: frozenset[str],
        interactive: bool,
        request: Request,
    ) -> PendingResult:
        photo, wanted = self._wanted(decoded, job)
        vectors = None
        if wanted and "vector" in returns:
            # A lone photo has nothing to batch with, and all cores are free.
            at_once = interactive or self._bulk.in_progress == 1
            batches = self._interactive_batches if at_once else self._batches
            vectors = batches.submit(np.stack([one.face.network_input for one in wanted]), request)
        # While the faces are in the network.
        with self._metrics.stage("pictures"):
            return PendingResult(_describe(photo, wanted, returns), vectors)

    def _wanted(self, decoded: Callable[[int | None], Photo], job: PhotoJob) -> tuple[Photo, list[Wanted]]:
        """The photo, decoded as large as its faces need, and these."""
        boxes = drawn_boxes.read(job.boxes)
        enough = self._resolution.first
        while True:
            photo = decoded(enough)
            places = drawn_faces.places(photo, boxes)
            with self._metrics.stage("detect"):
                faces = self._profile.find(photo.pixels)
            enough = self._resolution.missing(photo, [face.detection for face in faces], places)
            if enough is None:
                break
        wanted = _within_limits(photo, faces, job)
        if places:
            with self._metrics.stage("detect"):
                detected = [one.face for one in wanted]
                drawn = drawn_faces.find(self._profile, photo.pixels, places, detected)
            wanted += [Wanted(face, _quality(photo, face), drawn=True) for face in drawn]
        return photo, wanted


def _within_limits(photo: Photo, found: list[FoundFace], job: PhotoJob) -> list[Wanted]:
    faces = (Wanted(face, _quality(photo, face)) for face in found)
    good = [
        one
        for one in faces
        if one.face.detection.confidence >= job.min_confidence and one.quality.score >= job.min_quality
    ]
    return good[: job.max_faces]


def _quality(photo: Photo, face: FoundFace) -> Quality:
    return assess(photo.located(face.detection), face.aligned)


def _awaited(
    started: Future[PendingResult], deadline: float, has_hung_up: Callable[[], bool]
) -> PendingResult:
    """
    Raises:
        TimeoutError: it isn't there by ``deadline``.
        FaceServiceError: the client has hung up.
    """
    while (left := deadline - time.monotonic()) > LOOK_S:
        with suppress(TimeoutError):
            return started.result(LOOK_S)
        if has_hung_up():
            raise FaceServiceError("deadline_exceeded", "the client has hung up")
    return started.result(left)


def _cancel(started: Future[PendingResult]) -> None:
    """Cancels work that nobody awaits: that of a request which failed because of one photo."""
    if not started.cancel() and started.done() and started.exception() is None:
        vectors = started.result().vectors
        if vectors is not None:
            vectors.cancel()


def _describe(photo: Photo, wanted: list[Wanted], returns: frozenset[str]) -> PhotoResult:
    faces = [
        FaceAnswer.of(
            replace(one.face, detection=photo.located(one.face.detection)),
            one.quality,
            renditions.crop(photo.pixels, one.face.detection) if "crop" in returns else None,
            one.drawn,
        )
        for one in wanted
    ]
    fingerprint = thumbnail = None
    if returns & {"fingerprint", "thumbnail"}:
        small = renditions.miniature(photo.pixels)
        fingerprint = renditions.fingerprint(small) if "fingerprint" in returns else None
        thumbnail = renditions.thumbnail(small) if "thumbnail" in returns else None
    return PhotoResult(
        faces=faces,
        photo=PhotoAnswer(width=photo.width, height=photo.height, taken=photo.taken, fingerprint=fingerprint),
        file=FileAnswer.of(photo),
        thumbnail=thumbnail,
    )
