"""Starts a local server again when it ends by itself, so that Elasticsearch and its data stay up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from es_setup.connection import ConnectionFailed

STARTS = 3
"""How often in a row a server is started again."""
STEADY = 600
"""Seconds of work after which its starts are counted anew."""


class RestartableServer(Protocol):
    """A server that was started here, and can be started again."""

    @property
    def has_ended(self) -> bool: ...

    @property
    def log(self) -> Path: ...

    def start_again(self) -> None: ...


@dataclass
class ServerKeeper:
    """Keeps ``server`` running, and tells ``say`` what it does.

    Attributes:
        name: for people, such as ``the inference service``.
        lost: why the server isn't started any more; None while it is.
    """

    server: RestartableServer
    name: str
    say: Callable[[str], None]
    lost: str | None = None
    _starts: int = 0
    _started: float = 0

    def check(self) -> None:
        """Starts the server again if it has ended; called every now and then."""
        if self.lost or not self.server.has_ended:
            return
        if time.monotonic() - self._started > STEADY:
            self._starts = 0
        if self._starts == STARTS:
            self.lost = f"{self.name} ended again after {STARTS} new starts; its log is {self.server.log}"
            self.say(f"{self.lost}\nElasticsearch runs on; Ctrl-C stops it")
            return
        self._starts += 1
        self.say(f"{self.name} has ended by itself; starting it again")
        try:
            self.server.start_again()
        except ConnectionFailed as error:
            self.say(str(error))
        else:
            self.say(f"{self.name} is ready again")
        self._started = time.monotonic()
