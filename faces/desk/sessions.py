"""Who is signed in. Credentials stay in this process, and never reach the browser or a disk."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.desk.asked_photos import AskedPhotos
from faces.desk.review_state import ReviewState

IDLE_S = 3600
"""After which an unused session ends."""
LONGEST_S = 12 * 3600
MOST = 200
"""Sessions at once; one more ends the one that was unused for longest."""
REMEMBERED = 64
"""Forms of which it is known that they were sent."""


class Busy(Exception):
    """The same form is being worked on."""


@dataclass(frozen=True)
class Flash:
    """A sentence about what was done, shown on the next page.

    operation: its id in the journal, by which it can be undone there.
    """

    text: str
    operation: str | None = None
    failed: bool = False


@dataclass(eq=False)
class Session:
    """One browser of one person.

    connection: with the person's own credentials.
    user: their name in Elasticsearch.
    may_write: whether they may change photos, or only look.
    owns_client: whether ``es`` ends with the session.
    csrf: what each of their forms carries.
    """

    connection: Connection
    es: Elasticsearch
    user: str
    may_write: bool
    owns_client: bool = True
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    began: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    photos: AskedPhotos = field(default_factory=AskedPhotos)
    review: ReviewState = field(default_factory=ReviewState)
    flash: Flash | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: OrderedDict[str, str | None] = field(default_factory=OrderedDict)

    def close(self) -> None:
        if self.owns_client:
            self.es.close()

    def take_flash(self) -> Flash | None:
        flash, self.flash = self.flash, None
        return flash

    @contextmanager
    def once(self, form: str) -> Iterator[list[str]]:
        """Does the work of a form at most once: yields the answer of the first time, or an empty list to put
        the answer into. If the work fails, the form may be sent again.

        Raises:
            Busy: it is being done right now, as after a double click.
        """
        with self._lock:
            if form in self._answers:
                before = self._answers[form]
                if before is None:
                    raise Busy
            else:
                before = None
                self._answers[form] = None
                while len(self._answers) > REMEMBERED:
                    self._answers.popitem(last=False)
        if before is not None:
            yield [before]
            return
        answer: list[str] = []
        try:
            yield answer
        finally:
            with self._lock:
                if answer:
                    self._answers[form] = answer[0]
                else:
                    self._answers.pop(form, None)


class Sessions:
    """By the secret that a browser's cookie holds."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, session: Session) -> str:
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._drop_old()
            self._by_key[key] = session
            while len(self._by_key) > MOST:
                self._by_key.popitem(last=False)[1].close()
        return key

    def get(self, key: str | None) -> Session | None:
        now = time.monotonic()
        with self._lock:
            self._drop_old()
            session = self._by_key.get(key or "")
            if session and key:
                session.used = now
                self._by_key.move_to_end(key)
            return session

    def end(self, key: str | None) -> None:
        with self._lock:
            session = self._by_key.pop(key or "", None)
        if session:
            session.close()

    def _drop_old(self) -> None:
        now = time.monotonic()
        for key, session in list(self._by_key.items()):
            if now - session.used > IDLE_S or now - session.began > LONGEST_S:
                self._by_key.pop(key).close()
