"""Keeps a worker at work: it looks for documents again and again, and waits where a server is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from elasticsearch import ApiError, TransportError

from es_setup.connection import innermost_reason
from es_setup.failures import reason
from faces.completing.asking import ServiceAway
from faces.refused import IndexBlocked
from faces.working.worker import Outcome, Worked, Worker
from ingest_service.errors import UserError

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between tries while a server is away: each twice as long as the one before."""
STEP = 0.2
"""Seconds until a pause notices that it is to end."""
TRIES = 5
"""Passes in which every document was changed meanwhile, until they are left to another run."""
AWAY = (429, 502, 503, 504)


class GaveUp(UserError):
    """A server was away for longer than the patience; the message says which."""


@dataclass(frozen=True)
class Manner:
    """
    once: end when nothing is left to do.
    interval: seconds between looks while nothing waits.
    patience: seconds for which a server may be away.
    """

    once: bool = False
    interval: float = 5.0
    patience: float = 600.0


def keep_working(
    worker: Worker, manner: Manner, stopped: Callable[[], bool], tell: Callable[[str], None]
) -> Iterator[Worked]:
    """Yields what became of each document, until there is nothing left, or for ever.

    Args:
        stopped: whether to end after the batch in hand.
        tell: is told, once each time, that a server is away, and that it is back.

    Raises:
        GaveUp: a server was away for longer than the patience.
        UserError: nothing can be done as the servers are set up now.
        elasticsearch.ApiError: Elasticsearch refuses, such as for a missing right.
    """
    waiting = _Waiting(manner.patience, stopped, tell)
    contested = 0
    while not stopped():
        done = left = 0
        try:
            for worked in worker.work(stopped):
                waiting.is_back()
                done += worked.outcome is not Outcome.CHANGED
                left += worked.outcome is Outcome.CHANGED
                yield worked
        except (ServiceAway, IndexBlocked, TransportError, ApiError) as error:
            waiting.wait(error)
            continue
        waiting.is_back()
        contested = 0 if done else contested + bool(left)
        if done or (left and contested < TRIES):
            continue
        if manner.once:
            return
        pause(manner.interval, stopped)


def pause(seconds: float, stopped: Callable[[], bool]) -> None:
    """Ends sooner if ``stopped``."""
    until = time.monotonic() + seconds
    while not stopped() and (left := until - time.monotonic()) > 0:
        time.sleep(min(STEP, left))


class _Waiting:
    """While a server is away."""

    def __init__(self, patience: float, stopped: Callable[[], bool], tell: Callable[[str], None]) -> None:
        self._patience = patience
        self._stopped = stopped
        self._tell = tell
        self._since: float | None = None
        self._next = FIRST_PAUSE

    def wait(self, error: Exception) -> None:
        """
        Raises:
            GaveUp: it has been away for too long.
            ApiError: waiting doesn't help.
        """
        why = _why(error)
        if why is None:
            raise error
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._tell(f"waiting: {why}")
        if now - self._since >= self._patience:
            raise GaveUp(f"gave up after {self._patience:g} s (--patience): {why}")
        asked = getattr(error, "retry_after", None) or 0
        left = self._patience - (now - self._since)
        pause(min(max(self._next, asked), LONGEST_PAUSE, left), self._stopped)
        self._next = min(2 * self._next, LONGEST_PAUSE)

    def is_back(self) -> None:
        if self._since is not None:
            self._tell("going on")
        self._since, self._next = None, FIRST_PAUSE


def _why(error: Exception) -> str | None:
    """None where waiting doesn't help."""
    if isinstance(error, ApiError):
        return innermost_reason(error) if error.status_code in AWAY else None
    if isinstance(error, TransportError):
        return f"no Elasticsearch ({reason(error)})"
    return str(error)
