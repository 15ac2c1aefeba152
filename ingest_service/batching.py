"""Faces of several requests through the network together, fair among the requests."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest_service.decoders.lanes import Request
from ingest_service.errors import FaceServiceError

Floats = NDArray[np.float32]

PATIENCE = 0.1
"""Seconds that a face waits for those of photos that are being searched: two cores search 8 in it."""


class PhotoVectors:
    """The vectors of a photo's faces, which come in pieces."""

    def __init__(self, pieces: int) -> None:
        self.future: Future[Floats] = Future()
        self._lock = threading.Lock()
        self._pieces: list[Floats | None] = [None] * pieces

    def are_wanted(self) -> bool:
        """Whether to run a piece. From the first one on they can't be cancelled."""
        with self._lock:
            return self.future.running() or (
                not self.future.done() and self.future.set_running_or_notify_cancel()
            )

    def put(self, place: int, vectors: Floats) -> None:
        with self._lock:
            self._pieces[place] = vectors
            pieces = [piece for piece in self._pieces if piece is not None]
            if len(pieces) == len(self._pieces) and not self.future.done():
                self.future.set_result(np.concatenate(pieces))

    def fail(self, error: Exception) -> None:
        with self._lock:
            if not self.future.done():
                self.future.set_exception(error)


@dataclass(frozen=True, order=True)
class Piece:
    """Faces of one photo, (n, ...), no more than a batch; in the order in which they run.

    finish: the work of each request, in faces, if all requests were served evenly, when this piece would be
        done.
    """

    finish: int
    number: int
    faces: Floats = field(compare=False)
    request: Request = field(compare=False)
    photo: PhotoVectors = field(compare=False)
    place: int = field(compare=False)


class Batcher:
    """Collects faces for at most ``max_wait`` seconds, or until there are ``max_batch``, and runs the batch.

    While another batch runs, ``share`` faces are enough, and are waited for until it is done: two batches of
    one face at a time cost a third more than two of four, as each then draws the network's 90 MB of weights
    through the cores' shared cache for itself.

    While so many photos are on their way that their faces will fill the batch, it waits for them for up to
    ``PATIENCE``: in bf16 the units that multiply are so fast that a small batch waits for the weights.

    Requests are served evenly (self-clocked fair queueing), so that one with few faces doesn't wait for all
    those of photos that are full of them.

    Args:
        run: (n, ...) faces -> (n, dims) vectors; called from ``threads`` threads at once.
        max_batch: faces in one run. More of them gain nothing on a CPU, and make the next ones wait.
        max_wait: seconds that the first face of a batch waits for others.
        capacity: faces that may wait; those of a lone request always may.
        reserve: faces that may wait beyond that, of photos with no more than a batch.
        observe: called with the size of every batch.
        threads: batches that run at once.
        share: each thread's share of the expected faces.
        coming: photos whose faces are yet to be submitted.
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
        reserve: int = 0,
        coming: Callable[[], int] = lambda: 0,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._capacity = capacity
        self._reserve = reserve
        self._observe = observe
        self._share = share
        self._coming = coming
        self._queue: list[Piece] = []  # a heap
        self._numbers = itertools.count()
        self._served = 0  # faces of each request, as above: of the piece that ran last
        self._changed = threading.Condition()
        self._running = 0
        self._is_closed = False
        for number in range(threads):
            threading.Thread(target=self._work, name=f"embedder-{number}", daemon=True).start()

    def close(self) -> None:
        """Ends the threads, once what waits has run; no more may be submitted."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def depth(self) -> int:
        """How many faces wait."""
        with self._changed:
            return self._waiting_faces()

    def submit(self, faces: Floats, request: Request | None = None) -> Future[Floats]:
        """Their vectors, in order, once all have run.

        Args:
            faces: of one photo.
            request: whose photo it is; None if that is its only one.

        Raises:
            FaceServiceError: ``overloaded``.
        """
        request = request or Request()
        starts = range(0, len(faces), self._max_batch)
        photo = PhotoVectors(len(starts))
        with self._changed:
            self._require_room(len(faces), request)
            finish = max(self._served, request.embedded)
            for place, start in enumerate(starts):
                part = faces[start : start + self._max_batch]
                finish += len(part)
                heapq.heappush(self._queue, Piece(finish, next(self._numbers), part, request, photo, place))
            request.embedded = finish
            # All threads: one that collects a batch counts again, an idle one begins.
            self._changed.notify_all()
        return photo.future

    def _require_room(self, count: int, request: Request) -> None:
        room = self._capacity + (self._reserve if count <= self._max_batch else 0)
        is_alone = all(piece.request is request for piece in self._queue)
        if not is_alone and self._waiting_faces() + count > room:
            raise FaceServiceError("overloaded", "too many faces are waiting to be embedded")

    def _waiting_faces(self) -> int:
        return sum(len(piece.faces) for piece in self._queue)

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                self._run_batch([piece for piece in batch if piece.photo.are_wanted()])
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def _next_batch(self) -> list[Piece] | None:
        """The next pieces, up to a batch of faces, or none if another thread has taken them; None once the
        batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            if not self._queue:
                return None
            began = time.monotonic()
            while self._queue and self._waiting_faces() < self._enough():
                deadline = began + self._longest_wait()
                if not self._changed.wait(None if self._running else deadline - time.monotonic()):
                    break
            batch: list[Piece] = []
            size = 0
            while self._queue and size + len(self._queue[0].faces) <= self._max_batch:
                piece = heapq.heappop(self._queue)
                batch.append(piece)
                size += len(piece.faces)
                self._served = max(self._served, piece.finish - len(piece.faces))
            self._running += 1
            return batch

    def _longest_wait(self) -> float:
        """Seconds."""
        is_filled_soon = self._waiting_faces() + self._coming() >= self._max_batch
        return max(self._max_wait, PATIENCE) if is_filled_soon else self._max_wait

    def _enough(self) -> int:
        return min(self._max_batch, max(1, self._share())) if self._running else self._max_batch

    def _run_batch(self, batch: list[Piece]) -> None:
        if not batch:
            return
        try:
            faces = np.concatenate([piece.faces for piece in batch])
            self._observe(len(faces))
            vectors = self._run(faces)
        except Exception as error:  # every waiting request must get it, and the thread must go on
            for piece in batch:
                piece.photo.fail(error)
            return
        start = 0
        for piece in batch:
            piece.photo.put(piece.place, vectors[start : start + len(piece.faces)])
            start += len(piece.faces)
