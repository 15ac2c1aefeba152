"""Photos in progress: how many are admitted, and what decodes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ingest_service.admission import Limit
from ingest_service.decoders import processes
from ingest_service.decoders.lanes import Cancelled, Request
from ingest_service.decoders.pool import DecoderPool
from ingest_service.errors import FaceServiceError
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics


class PhotoQueue:
    """At most ``settings.max_waiting`` photos are in progress, and half as many large or slow ones: while
    those wait for each other, other photos are admitted. What exceeds a limit is refused.

    Args:
        name: of the photos, in a refusal.
    """

    def __init__(self, settings: Settings, metrics: Metrics, name: str) -> None:
        self.decoders = DecoderPool(processes.of_this_process(), settings, metrics)
        # Each photo that is admitted has one, while it waits, too.
        most = 2 * max(settings.max_waiting, settings.max_images)
        self.threads = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._limit = Limit(settings.max_waiting, f"too many {name} are in progress")
        most_slow = max(1, settings.max_waiting // 2)
        self._slow_limit = SlowLimit(most_slow, f"too many large or slow {name} are in progress")
        self._lock = threading.Lock()
        self._searching = 0

    def close(self) -> None:
        """Ends threads and decoders; no more photos may come."""
        self.threads.shutdown(wait=False)
        self.decoders.close()

    @property
    def searching(self) -> int:
        """Photos whose faces aren't known yet."""
        return self._searching

    @contextmanager
    def searched(self) -> Iterator[None]:
        """Counts a photo as one whose faces are being searched for."""
        with self._lock:
            self._searching += 1
        try:
            yield
        finally:
            with self._lock:
                self._searching -= 1

    @property
    def in_progress(self) -> int:
        """Photos."""
        return self._limit.in_progress + self._slow_limit.in_progress

    @contextmanager
    def admitted(self, count: int) -> Iterator[Request]:
        """A request for so many photos, which is over at the end of the block.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        self._limit.claim(count)
        claims = Claims(count, self._limit, self._slow_limit)
        request = Request(claims.make_slow)
        try:
            yield request
        finally:
            request.end()
            claims.release()


class SlowLimit:
    """At most ``most`` large or slow photos at once, or those of one request alone, which may be more.

    Args:
        refusal: message for a refused request.
    """

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._lock = threading.Lock()
        self.in_progress = 0

    def claim(self, own: int) -> None:
        """One more for a request that has ``own``.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        with self._lock:
            if self.in_progress > own and self.in_progress >= self._most:
                raise FaceServiceError("overloaded", self._refusal)
            self.in_progress += 1

    def release(self, count: int) -> None:
        with self._lock:
            self.in_progress -= count


class Claims:
    """A request's share of both limits."""

    def __init__(self, count: int, limit: Limit, slow_limit: SlowLimit) -> None:
        self._count = count
        self._limit = limit
        self._slow_limit = slow_limit
        self._slow = 0
        self._lock = threading.Lock()
        self._is_over = False

    def make_slow(self) -> None:
        """Has one photo count as a slow one instead.

        Raises:
            FaceServiceError: ``overloaded``.
            Cancelled: the request is over.
        """
        with self._lock:
            if self._is_over:
                raise Cancelled
            self._slow_limit.claim(self._slow)
            self._limit.release(1)
            self._slow += 1

    def release(self) -> None:
        with self._lock:
            self._is_over = True
            self._limit.release(self._count - self._slow)
            self._slow_limit.release(self._slow)
