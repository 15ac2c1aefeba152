"""The desk as a process on loopback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

import requests

from es_setup.connection import Connection, ConnectionFailed
from es_setup.embedded import local_node
from es_setup.embedded.plugins import EngineError
from faces.local_process import ServerModule, end_what_is_left

PORT = 8502


@dataclass
class RunningDesk:
    """The desk at ``url``. ``process`` leads its process group."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    _start: Callable[[], tuple[subprocess.Popen[bytes], None]] = field(repr=False)

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def start_again(self) -> None:
        """Starts the desk that has ended, at the same address. Who was signed in signs in again.

        Raises:
            ConnectionFailed: it doesn't start; the message has the end of its log.
        """
        end_what_is_left(self.process)
        self.process, _ = self._start()


@contextmanager
def running_desk(
    connection: Connection, folder: Path, port: int | None = None, options: Sequence[str] = ()
) -> Iterator[RunningDesk]:
    """The desk, running until the end of the block; its log is ``folder/logs/desk.log``.

    Args:
        connection: its addresses; without credentials, people sign in if Elasticsearch has users.
        port: default: a free one.
        options: more of the command's; with none that switches TLS on.

    Raises:
        EngineError: the port is in use.
        ConnectionFailed: the desk doesn't start; the message has the end of its log.
    """
    port = port or local_node.free_port()
    local_node.require_free(port, "the desk")
    url = f"http://127.0.0.1:{port}"
    words = ["faces", "desk", "--port", str(port), *options]
    server = ServerModule("the desk", words, folder / "logs" / "desk.log", _environment(connection))
    server.prepare_log()

    def start() -> tuple[subprocess.Popen[bytes], None]:
        return server.start(lambda: _require_health(url))

    process, _ = start()
    running = RunningDesk(url, process, server.log, start)
    try:
        yield running
    finally:
        local_node.stop(running.process)


def free_or_other(port: int) -> int:
    """The port if nothing listens there, else a free one."""
    try:
        local_node.require_free(port, "the desk")
    except EngineError:
        return local_node.free_port()
    return port


def _environment(connection: Connection) -> dict[str, str]:
    """The caller's, with this connection's addresses and credentials, and no others. Kibana's address is the
    caller's: the desk links to its boards."""
    own = {one.name.upper(): getattr(connection, one.name) for one in fields(connection)}
    given = {name: str(value) for name, value in own.items() if value and not name.startswith("KIBANA_")}
    return {
        name: value for name, value in os.environ.items() if name not in own or name == "KIBANA_URL"
    } | given


def _require_health(url: str) -> None:
    try:
        answer = requests.get(f"{url}/healthz", timeout=5)
        answer.raise_for_status()
    except requests.RequestException:
        raise ConnectionFailed(f"no desk answers at {url}") from None
