"""Photos that would cost hours or gigabytes: each gets its error, and good photos don't notice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import hostile_photos as hostile
import psutil
import pytest
import requests
from hostile_clients import Watch
from secured_stack import KEY
from service_process import faces, is_idle, is_result, launched, metrics
from tools import wait_until

from faces.local_service import RunningService, running_service

LARGE, PLAIN = (7_000, 7_000), (1_900, 2_000)
"""Sizes of photos: in the slow lane from the start, and not."""

POISON: dict[str, tuple[Callable[[], bytes], str]] = {
    "2,600 scans": (lambda: hostile.scans(1_000, 1_000, 2_600), "too_costly"),
    "a million markers": (lambda: hostile.markers(1_000_000), "too_costly"),
    "a hidden tile of 400 megapixels": (lambda: hostile.hidden_tile(20_000), "damaged"),
    "a tile of 49 megapixels": (lambda: hostile.one_tile(7_000), "too_many_pixels"),
    "a HEIC that is larger than it says": (lambda: hostile.false_ispe((4_000, 4_000), (64, 64)), "damaged"),
}
"""What makes the photo, and its error."""


@dataclass
class Watched:
    """What a service used and how it answered, meanwhile."""

    health: list[float] = field(default_factory=list)
    good: list[float] = field(default_factory=list)
    peak_mb: float = 0


def processes(service: RunningService) -> list[psutil.Process]:
    """The service's own, and those of its decoders."""
    leader = psutil.Process(service.pid)
    return [leader, *leader.children(recursive=True)]


def megabytes(service: RunningService) -> float:
    """Of memory that no other process shares, and of that which the decoders share with the service."""
    total = 0
    for process in processes(service):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            total += process.memory_full_info().pss
    return total / 1e6


@contextmanager
def watched(service: RunningService, portrait: Path) -> Iterator[Watched]:
    """Asks for the service's health, and for the faces of a good photo, as documents and searches do."""
    watch = Watched()
    done = threading.Event()

    def repeat(ask: Callable[[], bool], into: list[float]) -> None:
        while not done.is_set():
            began = time.monotonic()
            assert ask()
            into.append(time.monotonic() - began)
            done.wait(0.05)

    def weigh() -> None:
        while not done.is_set():
            watch.peak_mb = max(watch.peak_mb, megabytes(service))
            done.wait(0.05)

    with ThreadPoolExecutor(4) as watchers:
        watching = [
            watchers.submit(
                repeat, lambda: requests.get(f"{service.url}/healthz", timeout=9).ok, watch.health
            ),
            watchers.submit(repeat, lambda: is_result(faces(service.url, portrait)), watch.good),
            watchers.submit(
                repeat, lambda: is_result(faces(service.url, portrait, priority="search")), watch.good
            ),
            watchers.submit(weigh),
        ]
        try:
            yield watch
        finally:
            done.set()
        for each in watching:
            each.result()


@pytest.fixture(scope="module")
def running(cache, tmp_path_factory) -> Iterator[RunningService]:
    with running_service(
        cache, tmp_path_factory.mktemp("photos"), environment={"FACES_DEADLINE_S": "15"}
    ) as found:
        yield found


@pytest.mark.parametrize("name", POISON)
def test_a_photo_that_would_cost_too_much_is_bounded_in_time_and_memory(running, portrait, name):
    make, expected = POISON[name]
    poison = make()
    assert len(poison) < 15_000_000
    before = megabytes(running)
    with watched(running, portrait) as watch:
        answer = faces(running.url, portrait, poison, portrait, timeout=60)
    good, bad, other = answer.json()["results"]
    assert bad["error"]["code"] == expected
    assert len(good["faces"]) == len(other["faces"]) == 1
    assert max(watch.health) < 1
    assert max(watch.good) < 3
    assert watch.peak_mb - before < 200


def test_good_photos_are_answered_beside_ten_requests_and_a_bulk_of_photos_that_take_long(running, portrait):
    large, plain = hostile.scans(*LARGE, 85), hostile.scans(*PLAIN, 85)
    before = megabytes(running)
    with ThreadPoolExecutor(12) as clients, watched(running, portrait) as watch:
        bulk = clients.submit(faces, running.url, *[plain, large] * 32)
        alone = [clients.submit(faces, running.url, poison) for poison in [plain, large] * 5]
        answers = [each.result(60) for each in (bulk, *alone)]
    for answer in answers:
        assert answer.status_code in (200, 429, 503)
    assert max(watch.health) < 1
    assert max(watch.good) < 3
    # Two queues, each with two gigabytes for large photos, of which one takes most; and what isn't large.
    assert watch.peak_mb - before < 4_500
    wait_until(lambda: is_idle(running.url))


def test_good_photos_are_answered_beside_a_bulk_of_photos_full_of_faces(running, portrait):
    """Whose vectors take longer than all the rest."""
    crowd = hostile.crowd(portrait, 5)
    assert len(faces(running.url, crowd).json()["results"][0]["faces"]) > 8
    with ThreadPoolExecutor(1) as clients, Watch(running.url, portrait) as watch:
        bulk = clients.submit(faces, running.url, *[crowd] * 30, timeout=60)
        watch.wait(2)
    assert bulk.result().status_code in (200, 503)
    wait_until(lambda: is_idle(running.url))


def test_nothing_works_on_for_a_request_whose_deadline_has_passed(cache, tmp_path, portrait):
    with running_service(cache, tmp_path, environment={"FACES_DEADLINE_S": "2"}) as service:
        late = faces(service.url, *[hostile.scans(*LARGE, 85)] * 4)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "deadline_exceeded")
        wait_until(lambda: is_idle(service.url) and not busy(service), patience=5)
        assert is_result(faces(service.url, portrait))


def test_nothing_works_on_for_a_client_that_has_hung_up(running, portrait):
    with pytest.raises(requests.ReadTimeout):
        faces(running.url, *[hostile.scans(*LARGE, 85)] * 4, timeout=1)
    wait_until(lambda: is_idle(running.url) and not busy(running), patience=10)
    assert is_result(faces(running.url, portrait))


def busy(service: RunningService) -> list[int]:
    """Processes that compute something now."""
    found = []
    for each in processes(service):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if each.cpu_percent(0.1) > 20:
                found.append(each.pid)
    return found


def test_a_decoder_that_dies_is_replaced_and_so_is_the_process_that_forks_them(running, portrait):
    expected = faces(running.url, portrait).json()
    leader, worker, server, *decoders = processes(running)
    assert decoders
    for victims in (decoders, [server]):
        for victim in victims:
            victim.kill()
        assert faces(running.url, portrait).json() == expected
        assert faces(running.url, portrait, priority="search").json() == expected
    assert [each.pid for each in processes(running)[:2]] == [leader.pid, worker.pid]


def test_a_crash_of_a_decoder_is_its_photos_error_alone(running, portrait):
    poison = hostile.scans(*LARGE, 85)
    before = metrics(running.url).get(("faces_decoders_ended_total", "crash"), 0)
    with ThreadPoolExecutor(1) as clients:
        answer = clients.submit(faces, running.url, portrait, poison)
        wait_until(lambda: set(busy(running)) & {each.pid for each in processes(running)[3:]})
        for each in processes(running)[3:]:
            each.send_signal(signal.SIGSEGV)
        good, bad = answer.result(60).json()["results"]
    assert bad["error"]["code"] == "damaged"
    assert len(good["faces"]) == 1
    assert metrics(running.url)["faces_decoders_ended_total", "crash"] == before + 1
    assert is_result(faces(running.url, portrait))


@pytest.mark.parametrize("victim", [0, 1], ids=["all of the service", "its worker"])
def test_no_process_is_left_when_the_service_is_killed(cache, tmp_path, portrait, victim):
    with running_service(cache, tmp_path) as service, ThreadPoolExecutor(1) as clients:
        assert is_result(faces(service.url, portrait))
        lost = clients.submit(faces, service.url, hostile.scans(*LARGE, 85))
        wait_until(lambda: metrics(service.url)["faces_queue_depth", "photos"] == 1)
        before = processes(service)
        decoders = before[2:]
        assert len(decoders) > 1
        for each in before[victim:2]:
            os.kill(each.pid, signal.SIGKILL)
        wait_until(lambda: not any(each.is_running() for each in decoders), patience=5)
        assert isinstance(lost.exception(30), requests.ConnectionError)


def test_the_services_key_is_not_in_the_processes_that_read_strangers_pictures(cache, portrait):
    with launched(cache, {"FACES_API_KEY": KEY}) as (port, process):
        headers = {"Authorization": f"Bearer {KEY}"}
        assert is_result(faces(f"http://127.0.0.1:{port}", portrait, headers=headers))
        _, *decoders = psutil.Process(process.pid).children(recursive=True)
        assert decoders
        for each in decoders:
            assert "FACES_API_KEY" not in each.environ()
