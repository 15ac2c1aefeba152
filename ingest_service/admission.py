"""Bounds on what is inside of the service at once."""

from __future__ import annotations

import threading

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
