"""Which worker has which document in hand, so that several don't process the same photo.

A lease is a small document in `face-leases`. Who creates it has the document; one that has expired is taken
over by the next, for its worker was killed or is lost. Leases only save work: what is written depends on the
version that was read, so a document that two workers have at once is stored once, and nothing is lost. The
clocks of the workers' machines should agree to within a minute; where they don't, photos are processed twice.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.failures import innermost
from faces.completing.storing import Place
from ingest_service.errors import UserError

LEASES = "face-leases"
DURATION = 300
"""Seconds: longer than the requests of a batch may take one after the other."""
CONFLICT, CREATED = 409, (200, 201)


class NoLeases(UserError):
    """Leases can't be written; the message says why."""


def own_name() -> str:
    """Of this process, for whoever looks into the index."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


@dataclass
class Leases:
    """
    clock: seconds since 1970.
    """

    es: Elasticsearch
    owner: str = field(default_factory=own_name)
    clock: Callable[[], float] = time.time
    _held: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def take(self, places: Sequence[Place]) -> list[Place]:
        """Those of the documents that are now this worker's.

        Raises:
            NoLeases: this user may not write leases.
        """
        if not places:
            return []
        answers = self._send(
            operation
            for place in places
            for operation in ({"create": {"_index": LEASES, "_id": key_of(place)}}, self._lease(place))
        )
        taken = self._note(zip(places, answers, strict=True))
        others = [place for place in places if place not in self._held]
        ours = taken | self._take_over(others)
        return [place for place in places if place in ours]

    def give_back(self, places: Iterable[Place]) -> None:
        """Ends leases of this worker. One that can't be ended now ends by its time."""
        held = [(place, self._held.pop(place)) for place in places if place in self._held]
        if held:
            with suppress(ApiError, TransportError, NoLeases):
                self._send(
                    {"delete": {"_index": LEASES, "_id": key_of(place), **_version(*version)}}
                    for place, version in held
                )

    def _take_over(self, places: Sequence[Place]) -> set[Place]:
        """Those whose lease has expired, and that no other worker takes over at the same moment."""
        if not places:
            return set()
        docs = [{"_index": LEASES, "_id": key_of(place)} for place in places]
        found = zip(places, self.es.mget(docs=docs)["docs"], strict=True)
        now = 1000 * self.clock()
        expired = [
            (place, lease)
            for place, lease in found
            if lease.get("found") and float(lease["_source"].get("expires", 0)) <= now
        ]
        answers = self._send(
            operation
            for place, lease in expired
            for operation in (
                {
                    "index": {
                        "_index": LEASES,
                        "_id": lease["_id"],
                        **_version(lease["_seq_no"], lease["_primary_term"]),
                    }
                },
                self._lease(place),
            )
        )
        return self._note(zip((place for place, _ in expired), answers, strict=True))

    def _lease(self, place: Place) -> dict[str, Any]:
        return {
            "owner": self.owner,
            "expires": round(1000 * (self.clock() + DURATION)),
            "document": {"index": place.index, "id": place.id},
        }

    def _note(self, answers: Iterable[tuple[Place, dict[str, Any]]]) -> set[Place]:
        """Remembers the leases that were written; returns their documents."""
        taken = set()
        for place, item in answers:
            if item["status"] in CREATED:
                self._held[place] = (item["_seq_no"], item["_primary_term"])
                taken.add(place)
            elif item["status"] != CONFLICT:
                raise NoLeases(
                    f"[{LEASES}] takes no leases ({innermost(item.get('error', {}))}): a worker needs "
                    "the privileges `read`, `write` and `create_index` there"
                )
        return taken

    def _send(self, operations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = list(operations)
        if not lines:
            return []
        answer = self.es.bulk(operations=lines)
        return [next(iter(item.values())) for item in answer["items"]]


def key_of(place: Place) -> str:
    """The id of a document's lease: an id of ours may be too short for index and id together."""
    return hashlib.sha256(f"{place.index}\n{place.id}".encode()).hexdigest()[:40]


def _version(seq_no: int, primary_term: int) -> dict[str, int]:
    return {"if_seq_no": seq_no, "if_primary_term": primary_term}
