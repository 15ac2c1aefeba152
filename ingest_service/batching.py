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
    """Gathers faces for at most ``linger`` seconds, or until ``max_batch`` are there, and runs them together.

    While another batch is under way, ``fair`` faces are enough, and are waited for until it is done: two
    batches of one face at a time cost a third more than two of four, as each then draws the network's 90 MB
    of weights through the cores' shared cache for itself.

    Args:
        run: (n, ...) faces -> (n, dims) vectors; called from ``runners`` threads at once.
        max_batch: faces in one run. More of them gain nothing on a CPU, and keep the next waiting.
        linger: seconds that an early face waits for company.
        capacity: faces that may wait; one photo's faces are always let in when nothing waits.
        observe: told the size of every batch.
        runners: batches under way at once.
        fair: how many faces are each runner's part, of those that may come.
    """

    def __init__(
        self,
        run: Callable[[Floats], Floats],
        max_batch: int,
        linger: float,
        capacity: int,
        observe: Callable[[int], None] = lambda _: None,
        runners: int = 1,
        fair: Callable[[], int] = lambda: 1,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._linger = linger
        self._capacity = capacity
        self._observe = observe
        self._queue: deque[Waiting] = deque()
        self._arrival = threading.Condition()
        self._fair = fair
        self._under_way = 0
        for number in range(runners):
            threading.Thread(target=self._work, name=f"embedder-{number}", daemon=True).start()

    def depth(self) -> int:
        """How many faces wait."""
        with self._arrival:
            return self._waiting_faces()

    def submit(self, faces: Floats) -> Future[Floats]:
        """Their vectors, in order, once their batch has run.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        future: Future[Floats] = Future()
        with self._arrival:
            if self._queue and self._waiting_faces() + len(faces) > self._capacity:
                raise FaceServiceError("overloaded", "too many faces wait to be embedded already")
            self._queue.append(Waiting(faces, future))
            # All runners: one that lingers counts anew, one that is idle begins.
            self._arrival.notify_all()
        return future

    def _waiting_faces(self) -> int:
        return sum(len(waiting.faces) for waiting in self._queue)

    def _work(self) -> None:
        while True:
            taken = self._gather()
            try:
                self._run_all([waiting for waiting in taken if waiting.future.set_running_or_notify_cancel()])
            finally:
                with self._arrival:
                    self._under_way -= 1
                    self._arrival.notify_all()

    def _gather(self) -> list[Waiting]:
        """The next photos, up to a batch; a photo with more faces comes alone."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._queue)
            deadline = time.monotonic() + self._linger
            while self._queue and self._waiting_faces() < self._enough():
                if not self._arrival.wait(None if self._under_way else deadline - time.monotonic()):
                    break
            taken: list[Waiting] = []
            size = 0
            while self._queue and (not taken or size + len(self._queue[0].faces) <= self._max_batch):
                taken.append(self._queue.popleft())
                size += len(taken[-1].faces)
            self._under_way += 1
            return taken

    def _enough(self) -> int:
        return min(self._max_batch, max(1, self._fair())) if self._under_way else self._max_batch

    def _run_all(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        try:
            vectors = self._embed(np.concatenate([waiting.faces for waiting in batch]))
        except Exception as error:  # every waiting request must hear of it, and the thread must live on
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
