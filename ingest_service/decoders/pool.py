"""Photos decoded by processes, each photo within bounds, and none at the cost of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest_service.decoders.attempt import Attempt, Stopped, TakesLong
from ingest_service.decoders.lanes import Cancelled, Lanes, Request, Turn
from ingest_service.decoders.processes import DecoderProcess, DecoderProcesses
from ingest_service.decoding import Photo
from ingest_service.errors import FaceServiceError
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics

ATTEMPTS = 2
"""At a photo whose decoder is killed from outside."""


class DecoderPool:
    """Decodes ``settings.workers`` photos at once, and as many large or slow ones."""

    def __init__(self, processes: DecoderProcesses, settings: Settings, metrics: Metrics) -> None:
        self._processes = processes
        self._limits = {"max_bytes": settings.max_bytes, "max_pixels": settings.pixel_limit}
        self._lanes = Lanes(settings.workers, settings.decoding_bytes)
        self._width = settings.workers
        self._metrics = metrics
        self._lock = threading.Lock()
        self._idle = [processes.start() for _ in range(self._width)]

    def close(self) -> None:
        """Ends the processes that are idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def photo(self, sent: object, request: Request) -> Iterator[Callable[[int | None], Photo]]:
        """What decodes the photo, at the size that is enough (``read``), and again if that was too small. Its
        place in its lane is held to the end of the block.

        Raises, and so does what it gives:
            FaceServiceError: with one of the codes of a photo's own errors; or ``overloaded``.
            Cancelled: the request is over.
        """
        if not isinstance(sent, str | bytes):
            raise FaceServiceError("not_base64", "the photo is absent, or isn't a string")
        turn = self._lanes.enter(request)
        began, decoding = time.monotonic(), 0.0

        def decoded(enough: int | None) -> Photo:
            nonlocal decoding
            start = time.monotonic()
            try:
                with self._metrics.stage("decode"):
                    return self._decoded(sent, turn, enough)
            finally:
                decoding += time.monotonic() - start

        try:
            yield decoded
        finally:
            request.seconds += time.monotonic() - began - decoding
            self._lanes.leave(turn)

    def _decoded(self, sent: str | bytes, turn: Turn, enough: int | None) -> Photo:
        stopped = 0
        while True:
            attempt = Attempt(self._taken(), self._lanes, turn, len(sent))
            began = time.monotonic()
            try:
                return self._finished(attempt, sent, enough)
            except TakesLong:
                self._lanes.wait_for_slow(turn, attempt.memory)
            except Stopped:
                stopped += 1
                if stopped == ATTEMPTS:
                    problem = "decoding the photo was stopped from outside, as when memory runs out"
                    raise FaceServiceError("too_costly", problem) from None
            finally:
                turn.request.seconds += time.monotonic() - began

    def _finished(self, attempt: Attempt, sent: str | bytes, enough: int | None) -> Photo:
        request, process = attempt.turn.request, attempt.process
        stop = process.kill
        try:
            request.at_the_end(stop)
            return attempt.photo(sent, {**self._limits, "enough": enough})
        except (EOFError, OSError):
            if request.is_over:
                raise Cancelled from None
            cause, error = attempt.why_it_ended()
            self._metrics.decoders_ended.labels(cause).inc()
            raise error from None
        finally:
            request.forget(stop)
            with self._lock:
                if attempt.is_reusable and len(self._idle) < self._width:
                    self._idle.append(process)
                else:
                    if not attempt.is_done:
                        process.kill()
                    process.close()

    def _taken(self) -> DecoderProcess:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if not process.answers_within(0):  # an idle one says nothing but its end
                    return process
                process.close()
        return self._processes.start()
