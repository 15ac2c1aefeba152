"""Clients that want to take the service away from others, and a watch over what those others see."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from service_process import PATIENCE, is_result
from tools import wait_until

HEALTH_S = 1.0
PHOTO_S = 3.0


class Watch:
    """Asks for health and sends a good photo, again and again, each on a connection of its own."""

    def __init__(self, url: str, photo: Path, **how: object) -> None:
        self.rounds = 0
        self.slowest: dict[str, float] = {"/healthz": 0, "/readyz": 0, "photo": 0}
        self._url = url
        self._data = photo.read_bytes()
        self._how = how
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        try:
            while not self._ended.is_set():
                for path in ("/healthz", "/readyz"):
                    began = time.monotonic()
                    assert requests.get(self._url + path, timeout=PATIENCE, **self._how).status_code == 200
                    self._note(path, began)
                began = time.monotonic()
                answer = requests.post(
                    f"{self._url}/v1/faces", files={"image": self._data}, timeout=PATIENCE, **self._how
                )
                assert is_result(answer), (answer.status_code, answer.text[:300])
                self._note("photo", began)
                self.rounds += 1
        except BaseException as failure:
            self._failure = failure

    def _note(self, what: str, began: float) -> None:
        self.slowest[what] = max(self.slowest[what], time.monotonic() - began)

    def wait(self, rounds: int = 5) -> None:
        """Until so many more rounds are done."""
        target = self.rounds + rounds
        wait_until(lambda: self._failure or self.rounds >= target)
        self.check()

    def check(self) -> None:
        if self._failure:
            raise self._failure
        assert max(self.slowest["/healthz"], self.slowest["/readyz"]) < HEALTH_S, self.slowest
        assert self.slowest["photo"] < PHOTO_S, self.slowest

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)


@contextmanager
def clients(port: int, count: int, receive_buffer: int = 0) -> Iterator[list[socket.socket]]:
    """So many connections, more than a process may have by default."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, limits[1]), limits[1]))
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            client = socket.socket()
            client.settimeout(PATIENCE)
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.connect(("127.0.0.1", port))
            made.append(client)
        yield made
    finally:
        for client in made:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def send(client: socket.socket, data: bytes) -> bool:
    """Whether the service still takes them."""
    try:
        client.sendall(data)
    except OSError:
        return False
    return True


def is_closed(client: socket.socket) -> bool:
    """Whether the service has hung up; an answer before is read and forgotten."""
    client.setblocking(False)
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
