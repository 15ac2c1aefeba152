"""Faces of several requests through the network together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest_service.errors import FaceServiceError

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Waiting:
    """The faces of one photo, (n, ...). Compared by identity."""

    faces: Floats
    urgent: bool
    future: Future[Floats]


class Batcher:
    """Gathers faces for at most ``linger`` seconds, or until ``max_batch`` are there or an urgent one is, and
    runs them as one batch, on a thread of its own.

    Args:
        run: (n, ...) faces -> (n, dims) vectors.
        max_batch: faces in one run. More of them gain nothing on a CPU, and keep the next waiting.
        linger: seconds that an early face waits for company.
        capacity: faces that may wait; one photo's faces are always let in when nothing waits.
        observe: told the size of every batch.
    """

    def __init__(
        self,
        run: Callable[[Floats], Floats],
        max_batch: int,
        linger: float,
        capacity: int,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._linger = linger
        self._capacity = capacity
        self._observe = observe
        self._queue: deque[Waiting] = deque()
        self._arrival = threading.Condition()
        threading.Thread(target=self._work, name="embedder", daemon=True).start()

    def depth(self) -> int:
        """How many faces wait."""
        with self._arrival:
            return self._waiting_faces()

    def submit(self, faces: Floats, urgent: bool = False) -> Future[Floats]:
        """Their vectors, in order, once their batch has run.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        future: Future[Floats] = Future()
        with self._arrival:
            if self._queue and self._waiting_faces() + len(faces) > self._capacity:
                raise FaceServiceError("overloaded", "too many faces wait to be embedded already")
            self._queue.append(Waiting(faces, urgent, future))
            self._arrival.notify()
        return future

    def _waiting_faces(self) -> int:
        return sum(len(waiting.faces) for waiting in self._queue)

    def _work(self) -> None:
        while True:
            batch = [waiting for waiting in self._gather() if waiting.future.set_running_or_notify_cancel()]
            if not batch:
                continue
            try:
                vectors = self._embed(np.concatenate([waiting.faces for waiting in batch]))
            except Exception as error:  # every waiting request must hear of it, and the thread must live on
                for waiting in batch:
                    waiting.future.set_exception(error)
                continue
            start = 0
            for waiting in batch:
                waiting.future.set_result(vectors[start : start + len(waiting.faces)])
                start += len(waiting.faces)

    def _gather(self) -> list[Waiting]:
        """The next photos, urgent ones first, up to a batch; a photo with more faces comes alone."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._queue)
            deadline = time.monotonic() + self._linger
            while self._waiting_faces() < self._max_batch and not any(
                waiting.urgent for waiting in self._queue
            ):
                if not self._arrival.wait(deadline - time.monotonic()):
                    break
            taken: list[Waiting] = []
            size = 0
            for waiting in sorted(self._queue, key=lambda waiting: not waiting.urgent):
                if taken and size + len(waiting.faces) > self._max_batch:
                    break
                taken.append(waiting)
                size += len(waiting.faces)
            self._queue = deque(waiting for waiting in self._queue if waiting not in taken)
            return taken

    def _embed(self, faces: Floats) -> Floats:
        parts = []
        for start in range(0, len(faces), self._max_batch):
            part = faces[start : start + self._max_batch]
            self._observe(len(part))
            parts.append(self._run(part))
        return np.concatenate(parts)
