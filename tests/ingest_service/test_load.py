"""The service under load: limits, priorities, deadlines, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from PIL import Image
from service_process import PATIENCE, faces, is_idle, is_result, lines, metrics
from tools import picture, wait_until


def test_200_clients_at_once_get_a_result_or_a_clean_429_and_the_service_is_as_before(start, portrait):
    with start(max_waiting=32) as running:
        before = faces(running.url, portrait).json()
        done = threading.Event()
        health: list[float] = []

        def watch() -> None:
            while not done.is_set():
                began = time.monotonic()
                assert requests.get(f"{running.url}/healthz", timeout=2).json() == {"status": "ok"}
                health.append(time.monotonic() - began)

        with ThreadPoolExecutor(201) as clients:
            watcher = clients.submit(watch)
            gate = threading.Barrier(200)

            def client(_: int) -> list:
                gate.wait(PATIENCE)
                return [faces(running.url, portrait) for _ in range(2)]

            answers = [answer for pair in clients.map(client, range(200)) for answer in pair]
            done.set()
            watcher.result(PATIENCE)
        assert len(answers) == 400
        assert {answer.status_code for answer in answers} == {200, 429}
        for answer in answers:
            if answer.status_code == 200:
                assert answer.json() == before
            else:
                assert answer.json()["error"]["code"] == "overloaded"
                assert int(answer.headers["Retry-After"]) >= 1
        assert health
        wait_until(lambda: is_idle(running.url))
        assert faces(running.url, portrait).json() == before
        assert metrics(running.url)["faces_errors_total", "overloaded"] == sum(
            answer.status_code == 429 for answer in answers
        )


def test_an_interactive_request_does_not_wait_behind_bulk_work(start, portrait, large_photo):
    with start() as running, ThreadPoolExecutor(1) as clients:
        bulk = clients.submit(faces, running.url, *[large_photo] * 8)
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] == 8)
        assert is_result(faces(running.url, portrait, priority="search"))
        assert not bulk.done()
        assert len(bulk.result().json()["results"]) == 8


def test_an_interactive_request_is_admitted_when_bulk_work_fills_the_service(start, portrait):
    # Not so large that it would be out of the way of others.
    photo = picture(Image.open(portrait).convert("RGB").resize((1900, 2000)), "PNG")
    with start(max_waiting=4, workers=1) as running, ThreadPoolExecutor(1) as clients:
        bulk = clients.submit(faces, running.url, *[photo] * 16)
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] == 16)
        assert faces(running.url, portrait).status_code == 429
        assert is_result(faces(running.url, portrait, priority="search"))
        assert bulk.result().ok


def test_a_request_that_exceeds_the_deadline_is_a_503_and_the_queue_drains(start, large_photo, portrait):
    with start(deadline_s=1, workers=1) as running:
        late = faces(running.url, *[large_photo] * 16)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "deadline_exceeded")
        assert int(late.headers["Retry-After"]) >= 1
        wait_until(lambda: is_idle(running.url))
        wait_until(lambda: is_result(faces(running.url, portrait)) or None)
        assert metrics(running.url)["faces_errors_total", "deadline_exceeded"] >= 1


def test_sigterm_under_load_loses_no_admitted_request(start, tmp_path, portrait, large_photo):
    with start(max_waiting=64) as running, ThreadPoolExecutor(24) as clients:
        answers = [clients.submit(faces, running.url, large_photo) for _ in range(24)]
        wait_until(lambda: metrics(running.url)["faces_queue_depth", "photos"] >= 24 - done(answers) > 0)
        assert done(answers) < 24
        os.kill(running.pid, signal.SIGTERM)
        assert all(is_result(answer.result(PATIENCE)) for answer in answers)
        assert exit_status(running.pid) == (os.CLD_EXITED, 0)
        with pytest.raises(requests.ConnectionError):
            faces(running.url, portrait)
    text = (tmp_path / "logs" / "service.log").read_text()
    assert not re.search(r"Abort|core dumped|Segmentation|Traceback|terminate called|SIGKILL", text)
    answered = [
        line for line in lines(tmp_path / "logs" / "service.log") if line.get("url.path") == "/v1/faces"
    ]
    assert [line["http.response.status_code"] for line in answered] == [200] * 24


def done(futures: list) -> int:
    return sum(future.done() for future in futures)


def test_an_idle_service_ends_at_once_on_sigterm_and_on_ctrl_c(start, portrait):
    for number in (signal.SIGTERM, signal.SIGINT):
        with start() as running:
            assert is_result(faces(running.url, portrait))
            os.kill(running.pid, number)
            assert exit_status(running.pid) == (os.CLD_EXITED, 0)


def test_a_worker_that_dies_is_replaced(start, portrait):
    with start() as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

        def answers() -> bool:
            try:
                return is_result(faces(running.url, portrait))
            except requests.ConnectionError:
                return False

        wait_until(answers)


def alive(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def exit_status(pid: int) -> tuple[int, int]:
    """(how, status), as soon as the process has ended; it is left for its parent to reap."""
    wait_until(lambda: not alive(pid))
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended.si_code, ended.si_status
