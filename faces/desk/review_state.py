"""Where a person is in the queue of uncertain faces."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from faces.reviewing.deciding import Review
from faces.reviewing.queue import Queue, UncertainFace

REMEMBERED = 100
"""Faces to go back to by undo."""


@dataclass
class ReviewState:
    """Of one session; whoever uses it holds ``lock``.

    current: the face that is asked about; None before the first, and after the last.
    with_matches: whether matches that nobody confirmed belong to the queue.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    review: Review | None = None
    current: UncertainFace | None = None
    total: int = 0
    with_matches: bool = False
    _faces: Iterator[UncertainFace] = field(default_factory=lambda: iter(()))
    _waiting: deque[UncertainFace] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def begin(self, es: Elasticsearch, queue: Queue) -> None:
        """From the top of the queue."""
        self.review = Review(es, queue.where)
        self.total = queue.count(es)
        self._faces = queue.faces(es)
        self._waiting.clear()
        self.advance()

    def advance(self) -> None:
        self.current = self._waiting.pop() if self._waiting else next(self._faces, None)

    def go_back_to(self, face: UncertainFace) -> None:
        """Asks about this one again, and then about the one that was asked about."""
        if self.current:
            self._waiting.append(self.current)
        self.current = face
