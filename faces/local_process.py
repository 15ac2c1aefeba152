"""A module of ours as a server on loopback: started with its log, waited for, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from es_setup.connection import ConnectionFailed
from es_setup.embedded import local_node
from es_setup.private_files import PRIVATE_UMASK, close, open_log, private_folder

START_TIMEOUT = 120
"""In seconds."""

T = TypeVar("T")


@dataclass(frozen=True)
class ServerModule:
    """
    name: for people, such as ``the inference service``.
    words: after ``python -m``.
    log: a file; each start appends to it.
    environment: all of the process's.
    """

    name: str
    words: Sequence[str]
    log: Path
    environment: Mapping[str, str]

    def prepare_log(self) -> None:
        """A new log, in closed folders."""
        private_folder(self.log.parents[1])
        private_folder(self.log.parent)
        close(self.log.parent)
        self.log.unlink(missing_ok=True)

    def start(self, ask: Callable[[], T]) -> tuple[subprocess.Popen[bytes], T]:
        """The process, which leads its process group, and the first answer.

        Args:
            ask: raises ConnectionFailed while the server isn't ready.

        Raises:
            ConnectionFailed: it doesn't start; the message has the end of its log.
        """
        with open_log(self.log) as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", *self.words],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[1],
                env=self.environment,
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )
        try:
            return process, self._answer(ask, process)
        except BaseException:
            local_node.stop(process)
            raise

    def _answer(self, ask: Callable[[], T], process: subprocess.Popen[bytes]) -> T:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                return ask()
            except ConnectionFailed:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ConnectionFailed(
                        f"{self.name} doesn't start:\n{self.log.read_text()[-2000:]}"
                    ) from None
                time.sleep(0.1)


def end_what_is_left(process: subprocess.Popen[bytes]) -> None:
    """Of a server that has ended: its own processes may outlive it, and hold the port."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
