"""Bounds on what is inside of the service at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ingest_service.errors import FaceServiceError


class Bound:
    """At most ``most`` of something at once; a single claim above it gets in when nothing else is inside.

    Args:
        refusal: what the one who comes too much is told.
    """

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._inside = 0
        self._door = threading.Lock()

    @property
    def inside(self) -> int:
        return self._inside

    def enter(self, claim: int) -> None:
        """
        Raises:
            FaceServiceError: ``overloaded``.
        """
        with self._door:
            if self._inside and self._inside + claim > self._most:
                raise FaceServiceError("overloaded", self._refusal)
            self._inside += claim

    def leave(self, claim: int) -> None:
        with self._door:
            self._inside -= claim

    @contextmanager
    def holding(self, claim: int) -> Iterator[None]:
        """
        Raises:
            FaceServiceError: ``overloaded``.
        """
        self.enter(claim)
        try:
            yield
        finally:
            self.leave(claim)


class BoundedBody:
    """A body of which each part is claimed from a bound as it comes, however long it says that it is."""

    def __init__(self, stream: IO[bytes], bound: Bound) -> None:
        self._stream = stream
        self._bound = bound
        self._claimed = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._bound.enter(len(data))
        self._claimed += len(data)
        return data

    def release(self) -> None:
        self._bound.leave(self._claimed)
