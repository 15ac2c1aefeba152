"""Few requests at a time in Python's one interpreter.

With a hundred threads that want its lock, each would wait for all others, also those that answer about
health.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEALTH_PATHS = ("/healthz", "/readyz")


class Turns:
    """A WSGI application that gives each request a turn, other than those about health."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(2 * (os.cpu_count() or 1))
        self._mine = threading.local()

    def around(self, application: WSGIApplication) -> WSGIApplication:
        def in_turn(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ.get("PATH_INFO") in HEALTH_PATHS:
                return application(environ, start_response)
            with self._free:
                self._mine.is_taken = True
                try:
                    return application(environ, start_response)
                finally:
                    self._mine.is_taken = False

        return in_turn

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """For a block that waits for other threads."""
        if not getattr(self._mine, "is_taken", False):
            yield
            return
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
