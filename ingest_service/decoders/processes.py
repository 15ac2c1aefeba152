"""The service's side of its decoders' processes: starts them, and learns how they ended."""

from __future__ import annotations

import functools
import itertools
import os
import select
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ingest_service.decoders import messages

START = (
    "import sys; sys.path[:] = sys.argv[2:]; from ingest_service.decoders import fork_server; "
    "fork_server.main(int(sys.argv[1]))"
)
ENDING_S = 5
"""Seconds within which it is known how a decoder ended that has hung up."""


class DecoderProcess:
    """A decoder, for one caller at a time. What it is asked and answers is in ``decoder.py``."""

    def __init__(self, number: int, ours: socket.socket, server: ForkServerProcess) -> None:
        self._number = number
        self._socket = ours
        self._server = server
        self.ended: Future[int | None] = Future()
        """The status for ``os.WIFSIGNALED`` and the like; None if nobody knows it."""

    def send(self, message: dict[str, Any], data: bytes = b"") -> None:
        messages.send(self._socket, message)
        self._socket.sendall(data)

    def answers_within(self, seconds: float) -> bool:
        """Whether ``receive`` has something, be it the end."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def receive(self) -> tuple[dict[str, Any], int | None]:
        """
        Raises:
            EOFError, OSError: it has ended.
        """
        return messages.receive(self._socket)

    def slow(self) -> None:
        """Lowers its priority, for good."""
        self._server.ask({"number": self._number, "do": "slow"})

    def kill(self) -> None:
        self._server.ask({"number": self._number, "do": "kill"})

    def close(self) -> None:
        """An idle one then ends."""
        self._socket.close()

    def status(self) -> int | None:
        """Of one that has hung up; see ``ended``."""
        with suppress(TimeoutError):
            return self.ended.result(ENDING_S)
        return None


class ForkServerProcess:
    """A process that forks decoders (``fork_server.py``)."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._sending = threading.Lock()
        self._decoders: dict[int, DecoderProcess] = {}
        self._numbers = itertools.count()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )
        threading.Thread(target=self._listen, name="decoders", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def fork(self) -> DecoderProcess:
        """
        Raises:
            OSError: the process has ended.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._sending:
            decoder = DecoderProcess(next(self._numbers), ours, self)
            self._decoders[decoder._number] = decoder
            messages.send(self._ours, {"number": decoder._number}, theirs.fileno())
        return decoder

    def ask(self, message: dict[str, Any]) -> None:
        with suppress(OSError), self._sending:  # its end ends the decoders, too
            messages.send(self._ours, message)

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                message, _ = messages.receive(self._ours)
                self._decoders.pop(message["number"]).ended.set_result(message["status"])
        self._ours.close()
        self._process.wait()
        for decoder in list(self._decoders.values()):
            decoder.ended.set_result(None)


class DecoderProcesses:
    """Decoders of a fork server, which is replaced if it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server = ForkServerProcess()

    def start(self) -> DecoderProcess:
        with self._lock:
            try:
                if not self._server.has_ended:
                    return self._server.fork()
            except OSError:  # it has just ended
                pass
            self._server = ForkServerProcess()
            return self._server.fork()


@functools.cache
def of_this_process() -> DecoderProcesses:
    """Started with the first call, before whoever waits for it needs a decoder."""
    return DecoderProcesses()


def _environment() -> dict[str, str]:
    """Ours without the service's settings: its keys aren't for those that read strangers' pictures."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FACES_")}
    return {**ours, "OPENBLAS_NUM_THREADS": "1"}
