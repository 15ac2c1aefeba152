"""Limits on what is in progress in the service at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ingest_service.errors import FaceServiceError


class Limit:
    """At most ``most`` of something in progress at once. A claim above it is admitted if nothing else is in
    progress.

    Args:
        refusal: message for a refused request.
    """

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._in_progress = 0
        self._lock = threading.Lock()

    @property
    def in_progress(self) -> int:
        return self._in_progress

    def claim(self, count: int) -> None:
        """
        Raises:
            FaceServiceError: ``overloaded``.
        """
        with self._lock:
            if self._in_progress and self._in_progress + count > self._most:
                raise FaceServiceError("overloaded", self._refusal)
            self._in_progress += count

    def release(self, count: int) -> None:
        with self._lock:
            self._in_progress -= count

    @contextmanager
    def claimed(self, count: int) -> Iterator[None]:
        """
        Raises:
            FaceServiceError: ``overloaded``.
        """
        self.claim(count)
        try:
            yield
        finally:
            self.release(count)
