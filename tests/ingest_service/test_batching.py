"""The batcher: faces of several photos through the network together. Everything waits for events, nothing
for a clock."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from ingest_service.batching import Batcher
from ingest_service.decoders.lanes import Request
from ingest_service.errors import FaceServiceError

LONG = 3_600.0
"""A wait that no test would see the end of."""
PATIENCE = 30
"""Seconds after which a test has failed."""


def faces(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)[:, np.newaxis]


class Network:
    """Negates what it is given, in batches that it notes; may be held back, and may fail."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.failure: Exception | None = None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.batches.append(batch[:, 0].tolist())
        self.entered.release()
        assert self.open.wait(PATIENCE)
        if self.failure:
            raise self.failure
        return -batch

    def hold(self, batcher: Batcher, max_batch: int = 8) -> None:
        """Busy with a batch of 0s, until ``open`` is set: what is submitted now gathers in the queue."""
        self.open.clear()
        batcher.submit(faces(*[0] * max_batch))
        assert self.entered.acquire(timeout=PATIENCE)


@pytest.fixture
def network():
    return Network()


def values(future) -> list[float]:
    return future.result(PATIENCE)[:, 0].tolist()


def test_faces_that_gather_run_as_one_batch_and_each_photo_gets_its_own_vectors_in_order(network):
    batcher = Batcher(network, max_batch=8, max_wait=LONG, capacity=100)
    network.hold(batcher)
    photos = [batcher.submit(faces(*photo)) for photo in ([1, 2, 3], [4], [5, 6, 7, 8])]
    network.open.set()
    assert [values(photo) for photo in photos] == [[-1, -2, -3], [-4], [-5, -6, -7, -8]]
    assert [sorted(batch) for batch in network.batches[1:]] == [[1, 2, 3, 4, 5, 6, 7, 8]]


def test_a_full_batch_does_not_wait(network):
    batcher = Batcher(network, max_batch=2, max_wait=LONG, capacity=100)
    first, second = batcher.submit(faces(2)), batcher.submit(faces(3))
    assert (values(first), values(second)) == ([-2], [-3])
    assert network.batches == [[2, 3]]


def test_a_second_thread_waits_for_its_share_and_then_runs_beside_the_first(network):
    batcher = Batcher(network, max_batch=8, max_wait=LONG, capacity=100, threads=2, share=lambda: 3)
    network.hold(batcher)
    waiting = [batcher.submit(faces(n)) for n in (1, 2)]
    assert not network.entered.acquire(timeout=0.05)
    waiting.append(batcher.submit(faces(3)))
    assert network.entered.acquire(timeout=PATIENCE)
    assert network.batches[1:] == [[1, 2, 3]]
    network.open.set()
    assert [values(photo) for photo in waiting] == [[-1], [-2], [-3]]


def test_faces_below_the_share_run_when_the_batch_beside_them_is_done(network):
    batcher = Batcher(network, max_batch=8, max_wait=0, capacity=100, threads=2, share=lambda: 3)
    network.hold(batcher)
    waiting = batcher.submit(faces(1))
    network.open.set()
    assert values(waiting) == [-1]


def test_a_lone_face_runs_when_its_wait_is_over(network):
    batcher = Batcher(network, max_batch=8, max_wait=0.001, capacity=100)
    assert values(batcher.submit(faces(1))) == [-1]


def test_photos_run_in_the_order_in_which_they_came(network):
    batcher = Batcher(network, max_batch=2, max_wait=0, capacity=100)
    network.hold(batcher, 2)
    waiting = [batcher.submit(faces(n)) for n in range(1, 7)]
    network.open.set()
    assert [values(photo) for photo in waiting] == [[-n] for n in range(1, 7)]
    assert network.batches[-3:] == [[1, 2], [3, 4], [5, 6]]


def test_a_photo_with_more_faces_than_a_batch_is_run_in_parts_and_put_together_again(network):
    seen = []
    batcher = Batcher(network, max_batch=4, max_wait=0, capacity=100, observe=seen.append)
    assert values(batcher.submit(faces(*range(10)))) == [-n for n in range(10)]
    assert [len(batch) for batch in network.batches] == [4, 4, 2] == seen


def test_when_full_it_refuses_more_and_runs_all_that_it_accepted(network):
    batcher = Batcher(network, max_batch=4, max_wait=0, capacity=3)
    network.hold(batcher, 4)
    taken = [batcher.submit(faces(1, 2)), batcher.submit(faces(3))]
    assert batcher.depth() == 3
    with pytest.raises(FaceServiceError) as refusal:
        batcher.submit(faces(4))
    assert (refusal.value.code, refusal.value.status) == ("overloaded", 429)
    network.open.set()
    assert [values(photo) for photo in taken] == [[-1, -2], [-3]]
    assert batcher.depth() == 0


def test_photos_with_few_faces_have_room_when_those_with_many_fill_the_queue(network):
    batcher = Batcher(network, max_batch=2, max_wait=0, capacity=6, reserve=1)
    network.hold(batcher, 2)
    batcher.submit(faces(*range(6)))
    with pytest.raises(FaceServiceError):
        batcher.submit(faces(1, 2, 3))
    few = batcher.submit(faces(4))
    network.open.set()
    assert values(few) == [-4]


def test_a_request_that_is_alone_is_never_refused(network):
    batcher = Batcher(network, max_batch=2, max_wait=0, capacity=3)
    network.hold(batcher, 2)
    request = Request()
    photos = [batcher.submit(faces(n, n), request) for n in range(4)]
    network.open.set()
    assert [values(photo) for photo in photos] == [[-n, -n] for n in range(4)]


def test_requests_with_few_faces_do_not_wait_for_those_with_many(network):
    batcher = Batcher(network, max_batch=2, max_wait=0, capacity=1000)
    network.hold(batcher, 2)
    full = [batcher.submit(faces(*[n] * 20)) for n in (1, 2)]
    bulk = Request()
    several = [batcher.submit(faces(3), bulk) for _ in range(20)]
    alone = batcher.submit(faces(4))
    network.open.set()
    for future in (*full, *several, alone):
        values(future)
    assert 4 in network.batches[1]
    order = [n for batch in network.batches[1:] for n in batch]
    assert set(order[-6:]) == {1, 2, 3}  # they share evenly, to the end


def test_a_photo_with_more_faces_than_the_capacity_is_admitted_when_nothing_waits(network):
    batcher = Batcher(network, max_batch=4, max_wait=0, capacity=3)
    assert len(values(batcher.submit(faces(*range(9))))) == 9


def test_a_failure_reaches_every_photo_of_its_batch_and_no_later_one(network):
    batcher = Batcher(network, max_batch=8, max_wait=0, capacity=100)
    network.hold(batcher)
    waiting = [batcher.submit(faces(n)) for n in (1, 2, 3)]
    network.failure = RuntimeError("the network fell over")
    network.open.set()
    for photo in waiting:
        with pytest.raises(RuntimeError, match="fell over"):
            photo.result(PATIENCE)
    network.failure = None
    assert values(batcher.submit(faces(4))) == [-4]


def test_a_photo_of_another_shape_fails_its_batch_and_the_thread_lives(network):
    batcher = Batcher(network, max_batch=8, max_wait=0, capacity=100)
    network.hold(batcher)
    odd = batcher.submit(np.zeros((1, 2), dtype=np.float32))
    even = batcher.submit(faces(1))
    network.open.set()
    for photo in (odd, even):
        with pytest.raises(ValueError, match="dimension"):
            photo.result(PATIENCE)
    assert values(batcher.submit(faces(4))) == [-4]


def test_what_is_cancelled_while_it_waits_is_never_run(network):
    batcher = Batcher(network, max_batch=8, max_wait=0, capacity=100)
    network.hold(batcher)
    kept, dropped = batcher.submit(faces(1)), batcher.submit(faces(2))
    assert dropped.cancel()
    last = batcher.submit(faces(3))
    network.open.set()
    assert (values(kept), values(last)) == ([-1], [-3])
    with pytest.raises(CancelledError):
        dropped.result(PATIENCE)
    assert network.batches[1:] == [[1, 3]]


def test_a_batch_of_which_all_are_cancelled_is_skipped(network):
    batcher = Batcher(network, max_batch=2, max_wait=0, capacity=100)
    network.hold(batcher, 2)
    assert all(batcher.submit(faces(n)).cancel() for n in (1, 2))
    network.open.set()
    assert values(batcher.submit(faces(3))) == [-3]
    assert network.batches[-1:] == [[3]]
    assert not any(1 in batch or 2 in batch for batch in network.batches)


def test_many_threads_at_once_all_get_their_own_vectors(network):
    batcher = Batcher(network, max_batch=8, max_wait=0, capacity=10_000)
    wrong = []

    def client(number: int) -> None:
        for step in range(25):
            own = [number * 1000 + step, number * 1000 + step + 0.5][: 1 + step % 2]
            if values(batcher.submit(faces(*own))) != [-value for value in own]:
                wrong.append(own)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in clients)
    assert not wrong
    assert batcher.depth() == 0
    assert max(len(batch) for batch in network.batches) <= 8
