"""One re-embedding: which index becomes which, and how far it is. Kept in the journal's index, so that
another command finds it, and that two of them never work at once."""

from __future__ import annotations

import hashlib
import platform
import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from elasticsearch import ConflictError, Elasticsearch

from es_setup.shipped_files import JOURNAL
from faces.decisions.journal import MISSING, JournalMissing
from ingest_service.errors import UserError

LEASE_S = 120
"""Seconds for which a command that was killed keeps others out. It is renewed with each batch."""
REEMBED = "reembed"
"""The action by which the records are told from what people decided."""
State = Literal["copying", "moved", "settled"]
Aliases = dict[str, dict[str, Any]]
"""Alias -> its properties for one index, as `POST _aliases` takes them."""


class Busy(UserError):
    """Another command works on this run; the message says since when."""


class Overtaken(UserError):
    """Another command has taken this run over."""


@dataclass
class Move:
    """An index, and the one that takes its place.

    source, target: their names.
    pipeline: the source's default pipeline; None without one.
    aside: for an index that is addressed by its own name: the name under which it stays.
    is_frozen: whether nothing was written into the source from before the move.
    seen: every change of the source up to this sequence number is in the target; -1: none.
    """

    source: str
    target: str
    pipeline: str | None = None
    aside: str | None = None
    is_frozen: bool = False
    seen: int = -1


@dataclass
class Run:
    """
    name: the indices or aliases that were named.
    model: that the targets get, with ``dims`` numbers; old_models: those of the sources.
    state: ``copying``: people work on the sources; ``moved``: on the targets, and something is left to do;
        ``settled``: nothing is.
    back: whether this takes an earlier one back.
    url: of the service, as Elasticsearch reaches it; before: the setting for it that this replaces; None: it
        had no value.
    since: when it began, as ISO 8601 in UTC.
    """

    name: str
    model: str
    dims: int
    thresholds: dict[str, float]
    old_models: list[str]
    url: str
    moves: list[Move] = field(default_factory=list)
    state: State = "copying"
    back: bool = False
    before: list[str] | None = None
    since: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Run:
        return cls(**stored | {"moves": [Move(**move) for move in stored["moves"]]})

    @property
    def sources(self) -> list[str]:
        return [move.source for move in self.moves]

    @property
    def targets(self) -> list[str]:
        return [move.target for move in self.moves]


@dataclass
class RunRecord:
    """Where a run is kept. Only the command that holds the lease writes it.

    Attributes:
        run: as it was read or kept last; None: there is none.
    """

    es: Elasticsearch
    name: str
    run: Run | None = None
    _holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    _version: tuple[str, int, int] | None = None
    _until: float = 0

    @property
    def id(self) -> str:
        return f"{REEMBED}-" + hashlib.sha256(self.name.encode()).hexdigest()[:16]

    def read(self) -> Run | None:
        """
        Raises:
            JournalMissing: there is nowhere to keep a run.
        """
        self._read()
        return self.run

    def take(self) -> Run | None:
        """Keeps all others out, until `release`.

        Raises:
            Busy: another command works on it.
        """
        lease = self._read()
        if lease and lease["until"] > time.time():
            raise Busy(
                f"`faces reembed` works on [{self.name}] already, on [{lease['host']}]: wait for it. If it "
                f"was killed, run this again in {lease['until'] - time.time():.0f} s, and it goes on"
            )
        try:
            self._write(time.time() + LEASE_S)
        except Overtaken:
            raise Busy(f"another `faces reembed` of [{self.name}] began at the same moment") from None
        return self.run

    def keep(self, run: Run) -> None:
        """Keeps how far it is, and renews the lease.

        Raises:
            Overtaken: this command didn't renew it in time.
        """
        self.run = run
        self._write(time.time() + LEASE_S)

    def renew(self, run: Run) -> None:
        """Renews the lease, if that is about to be due.

        Raises:
            Overtaken: as `keep`.
        """
        if time.time() > self._until - LEASE_S / 2:
            self.keep(run)

    def release(self) -> None:
        """Lets the next command in at once."""
        if self._version is None:
            return
        if self.run is None:
            self.forget()
        else:
            self._write(0)

    def forget(self) -> None:
        """When nothing of a run is left to take back."""
        assert self._version
        index, seq_no, term = self._version
        try:
            self.es.delete(index=index, id=self.id, if_seq_no=seq_no, if_primary_term=term, refresh=True)
        except ConflictError:
            raise self._overtaken() from None
        self.run, self._version = None, None

    def _read(self) -> dict[str, Any] | None:
        """Its lease."""
        if not self.es.indices.exists_alias(name=JOURNAL):
            raise JournalMissing(MISSING)
        self.es.indices.refresh(index=JOURNAL)
        hits = self.es.search(
            index=JOURNAL,
            query={"ids": {"values": [self.id]}},
            seq_no_primary_term=True,
            allow_partial_search_results=False,
        )["hits"]["hits"]
        if not hits:
            self.run, self._version = None, None
            return None
        (hit,) = hits
        self._version = hit["_index"], hit["_seq_no"], hit["_primary_term"]
        stored = hit["_source"]["run"]
        self.run = Run.of(stored) if stored else None
        lease: dict[str, Any] = hit["_source"]["lease"]
        return lease

    def _write(self, until: float) -> None:
        self._until = until
        document = {
            "@timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "event": {"action": REEMBED},
            "run": asdict(self.run) if self.run else None,
            "lease": {"holder": self._holder, "until": until, "host": _host()},
        }
        try:
            if self._version is None:
                # By the alias, whose write index it is then in.
                answer = self.es.index(
                    index=JOURNAL, id=self.id, document=document, op_type="create", require_alias=True
                )
            else:
                index, seq_no, term = self._version
                answer = self.es.index(
                    index=index, id=self.id, document=document, if_seq_no=seq_no, if_primary_term=term
                )
        except ConflictError:
            # The client sends a request again when the answer to it is lost: then it was this very one.
            if (self._read() or {}).get("holder") != self._holder:
                raise self._overtaken() from None
            return
        self._version = answer["_index"], answer["_seq_no"], answer["_primary_term"]

    def _overtaken(self) -> Overtaken:
        return Overtaken(f"another `faces reembed` has taken [{self.name}] over: it goes on there")


def _host() -> str:
    return platform.node() or "unknown host"
