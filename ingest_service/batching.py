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
    future: Future[Floats]


class Batcher:
    """Collects faces for at most ``max_wait`` seconds, or until there are ``max_batch``, and runs the batch.

    While another batch runs, ``share`` faces are enough, and are waited for until it is done: two batches of
    one face at a time cost a third more than two of four, as each then draws the network's 90 MB of weights
    through the cores' shared cache for itself.

    Args:
        run: (n, ...) faces -> (n, dims) vectors; called from ``threads`` threads at once.
        max_batch: faces in one run. More of them gain nothing on a CPU, and make the next ones wait.
        max_wait: seconds that the first face of a batch waits for others.
        capacity: faces that may wait; a photo's faces are always admitted when nothing else waits.
        observe: called with the size of every batch.
        threads: batches that run at once.
        share: each thread's share of the expected faces.
    """

    def __init__(
        self,
        run: Callable[[Floats], Floats],
        max_batch: int,
        max_wait: float,
        capacity: int,
        observe: Callable[[int], None] = lambda _: None,
        threads: int = 1,
        share: Callable[[], int] = lambda: 1,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._capacity = capacity
        self._observe = observe
        self._share = share
        self._queue: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._running = 0
        for number in range(threads):
            threading.Thread(target=self._work, name=f"embedder-{number}", daemon=True).start()

    def depth(self) -> int:
        """How many faces wait."""
        with self._changed:
            return self._waiting_faces()

    def submit(self, faces: Floats) -> Future[Floats]:
        """Their vectors, in order, once their batch has run.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        future: Future[Floats] = Future()
        with self._changed:
            if self._queue and self._waiting_faces() + len(faces) > self._capacity:
                raise FaceServiceError("overloaded", "too many faces are waiting to be embedded")
            self._queue.append(Waiting(faces, future))
            # All threads: one that collects a batch counts again, an idle one begins.
            self._changed.notify_all()
        return future

    def _waiting_faces(self) -> int:
        return sum(len(waiting.faces) for waiting in self._queue)

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            try:
                self._run_batch([photo for photo in batch if photo.future.set_running_or_notify_cancel()])
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def _next_batch(self) -> list[Waiting]:
        """The next photos, up to a batch of faces; a photo with more faces is a batch of its own."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue)
            deadline = time.monotonic() + self._max_wait
            while self._queue and self._waiting_faces() < self._enough():
                if not self._changed.wait(None if self._running else deadline - time.monotonic()):
                    break
            batch: list[Waiting] = []
            size = 0
            while self._queue and (not batch or size + len(self._queue[0].faces) <= self._max_batch):
                batch.append(self._queue.popleft())
                size += len(batch[-1].faces)
            self._running += 1
            return batch

    def _enough(self) -> int:
        return min(self._max_batch, max(1, self._share())) if self._running else self._max_batch

    def _run_batch(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        try:
            vectors = self._embed(np.concatenate([waiting.faces for waiting in batch]))
        except Exception as error:  # every waiting request must get it, and the thread must go on
            for waiting in batch:
                waiting.future.set_exception(error)
            return
        start = 0
        for waiting in batch:
            waiting.future.set_result(vectors[start : start + len(waiting.faces)])
            start += len(waiting.faces)

    def _embed(self, faces: Floats) -> Floats:
        parts = []
        for start in range(0, len(faces), self._max_batch):
            part = faces[start : start + self._max_batch]
            self._observe(len(part))
            parts.append(self._run(part))
        return np.concatenate(parts)
