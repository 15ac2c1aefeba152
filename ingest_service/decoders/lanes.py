"""Whose photo is decoded next: fair among requests, and never behind photos that take long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

STEP_S = 0.25
"""Seconds of decoding and search by which a request goes behind others."""


class Cancelled(Exception):
    """Nobody awaits the request's photos any more."""


class Request:
    """The photos that one caller waits for.

    Args:
        on_slow: called for each photo that goes to the slow lane; what it raises refuses that.
    """

    def __init__(self, on_slow: Callable[[], None] = lambda: None) -> None:
        self.on_slow = on_slow
        self.seconds = 0.0  # of decoding and search, so far
        self.embedded = 0  # of its faces, the last one's place among all requests'; for the batcher
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._at_the_end: set[Callable[[], None]] = set()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def at_the_end(self, call: Callable[[], None]) -> None:
        """Has it called by ``end``, unless ``forget`` comes first.

        Raises:
            Cancelled: it is over already.
        """
        with self._lock:
            if self.is_over:
                raise Cancelled
            self._at_the_end.add(call)

    def forget(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._at_the_end.discard(call)

    def end(self) -> None:
        """Stops what is still being done for it."""
        with self._lock:  # so that none comes after ``forget``
            self._over.set()
            for call in self._at_the_end:
                call()


class Lane(Enum):
    FAST = "fast"
    SLOW = "slow"


@dataclass(eq=False)
class Turn:
    """A photo's place in a lane, or its wait for one. Compared by identity.

    memory: bytes that it may take in the slow lane.
    """

    request: Request
    number: int
    lane: Lane = Lane.FAST
    memory: int = 0
    granted: threading.Event = field(default_factory=threading.Event)

    @property
    def order(self) -> tuple[int, int]:
        return int(self.request.seconds / STEP_S), self.number


class Lanes:
    """So many photos at a time are decoded and searched: ``width`` in the fast lane, and as many in the slow
    one, if they need no more than ``memory`` bytes together; a single one may need more.

    In each lane, requests that have used up less time there come first, then those that came first.
    """

    def __init__(self, width: int, memory: int) -> None:
        self._width = width
        self._memory = memory
        self._lock = threading.Lock()
        self._waiting: list[Turn] = []
        self._running: set[Turn] = set()
        self._count = 0

    def enter(self, request: Request) -> Turn:
        """Waits for a place in the fast lane.

        Raises:
            Cancelled: the request is over.
        """
        with self._lock:
            self._count += 1
            turn = Turn(request, self._count)
        self._wait(turn)
        return turn

    def to_slow(self, turn: Turn, memory: int) -> bool:
        """Moves a photo to the slow lane if there is room now.

        Raises:
            FaceServiceError: ``overloaded``; the photo stays in its lane.
        """
        with self._lock:
            if any(other.lane is Lane.SLOW for other in self._waiting) or not self._has_room(memory):
                return False
            turn.request.on_slow()
            turn.lane, turn.memory = Lane.SLOW, memory
            self._grant()
            return True

    def wait_for_slow(self, turn: Turn, memory: int) -> None:
        """Leaves the fast lane, and waits for a place in the slow one.

        Raises:
            FaceServiceError: ``overloaded``.
            Cancelled: the request is over.
        """
        turn.request.on_slow()
        self.leave(turn)
        turn.lane, turn.memory = Lane.SLOW, memory
        turn.granted.clear()
        self._wait(turn)

    def leave(self, turn: Turn) -> None:
        with self._lock:
            self._running.discard(turn)
            self._grant()

    def others_wait(self) -> bool:
        """For the fast lane."""
        with self._lock:
            return any(turn.lane is Lane.FAST for turn in self._waiting)

    def _wait(self, turn: Turn) -> None:
        turn.request.at_the_end(turn.granted.set)
        try:
            with self._lock:
                self._waiting.append(turn)
                self._grant()
            turn.granted.wait()
            if turn.request.is_over:
                with self._lock:
                    if turn in self._waiting:
                        self._waiting.remove(turn)
                self.leave(turn)
                raise Cancelled
        finally:
            turn.request.forget(turn.granted.set)

    def _grant(self) -> None:
        full: set[Lane] = set()
        for turn in sorted(self._waiting, key=lambda turn: turn.order):
            if turn.lane not in full and self._may_run(turn):
                self._waiting.remove(turn)
                self._running.add(turn)
                turn.granted.set()
            else:  # whoever needs less memory must not overtake for ever
                full.add(turn.lane)

    def _may_run(self, turn: Turn) -> bool:
        if turn.lane is Lane.FAST:
            return sum(other.lane is Lane.FAST for other in self._running) < self._width
        return self._has_room(turn.memory)

    def _has_room(self, memory: int) -> bool:
        """In the slow lane."""
        slow = [turn.memory for turn in self._running if turn.lane is Lane.SLOW]
        return not slow or (len(slow) < self._width and sum(slow) + memory <= self._memory)
