"""Fills the index of another model, and follows what happens to the old one meanwhile.

A copy's version is the sequence number of the change that it was copied from, times `STEP`. So it is known
what of an index is copied already, also by a command that was killed, and a later change always replaces an
earlier one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from es_setup.failures import innermost
from faces.erasure.scope import Scope, scope_of
from faces.erasure.subject import Place
from faces.indexing.sending import BULK_BYTES
from faces.pages import every_hit
from faces.photo_vectors import AT_ONCE as IN_PROGRESS
from faces.reembedding.documents import Stored, kept_vectors, missing_vectors, rewritten, with_words_of
from faces.reembedding.embedding import CROP, Embedded, Embedder
from faces.reembedding.run import Move
from faces.refused import IndexBlocked, refusal_of

AT_ONCE = 32
"""Documents of a page. With a kept photo each they may have a hundred megabytes together."""
IDS_AT_ONCE = 1_000
STEP = 1 << 20
"""Changes of a copy between two copyings of its document, such as new guesses: far fewer than these."""
RETRIES: dict[str, Any] = {
    "max_retries": 3,
    "initial_backoff": 0.5,
    "max_backoff": 5,
    "retry_on_status": (429, 503),
}
"""While Elasticsearch itself is busy. A full disk has the same status, and isn't over in a moment."""
CONFLICT, GONE = 409, 404
Outcome = Literal["copied", "unchanged", "failed"]
WHOLE: dict[str, Any] = {"includes": ["*"], "exclude_vectors": False}
"""Elasticsearch 9 leaves vectors out unless it is told not to."""


def version_of(seq_no: int) -> int:
    """Of the copy of a document that was changed last with this sequence number."""
    return (seq_no + 1) * STEP


@dataclass(frozen=True)
class Copied:
    """What became of a document.

    sources: how many of its vectors come from where.
    without: how many of its faces have no vector, because neither photo nor crop is to be had.
    reason: why it isn't in the new index.
    """

    id: str
    outcome: Outcome
    sources: Counter[str] = field(default_factory=Counter)
    without: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class _Copy:
    """A document for the target. index: its version is then counted by Elasticsearch itself."""

    stored: Stored
    source: dict[str, Any]
    embedded: Embedded
    without: int
    if_seq_no: tuple[int, int] | None = None

    def as_action(self, target: str) -> dict[str, Any]:
        version: dict[str, Any] = {"version": version_of(self.stored.seq_no), "version_type": "external"}
        if self.if_seq_no:
            version = {"if_seq_no": self.if_seq_no[0], "if_primary_term": self.if_seq_no[1]}
        routing = {"routing": self.stored.routing} if self.stored.routing else {}
        return {"_index": target, "_id": self.stored.id, **version, **routing, "_source": self.source}


class Copier:
    """Copies one index into another.

    Args:
        embedder: None where no new vectors can be had.
        model: ``id``, ``digest`` and ``precision`` of the new vectors.
        moved: people work on the target already: what they did there stays.
    """

    def __init__(
        self,
        es: Elasticsearch,
        move: Move,
        embedder: Embedder | None,
        model: dict[str, Any],
        moved: bool = False,
    ) -> None:
        self._es = es
        self._move = move
        self._embedder = embedder
        self._model = model
        self._moved = moved
        self._scope: Scope = scope_of(es, move.source)
        self._there: Scope = scope_of(es, move.target)

    def round(self) -> Iterator[Copied]:
        """Copies what was changed since the last round, and yields what became of each document.

        Raises:
            IndexBlocked: the target takes nothing more.
            ConnectionFailed: the service can't be reached, or serves another model.
        """
        reached, failed = self._reached(), False
        self._es.indices.refresh(index=self._move.source)
        query = {"range": {"_seq_no": {"gt": self._move.seen}}} if self._move.seen >= 0 else {"match_all": {}}
        hits = every_hit(
            self._es, self._move.source, query, size=AT_ONCE, source=WHOLE, seq_no_primary_term=True
        )
        with closing(hits):
            while page := list(islice(hits, AT_ONCE)):
                for one in self._copy(page):
                    failed = failed or one.outcome == "failed"
                    yield one
        if not failed:
            self._move.seen = reached

    def sweep(self) -> int:
        """Deletes copies of documents that are no more; returns how many they were. What arrived in the
        target itself stays."""
        self._es.indices.refresh(index=self._move.target)
        hits = every_hit(
            self._es,
            self._move.target,
            {"match_all": {}},
            size=IDS_AT_ONCE,
            source=False,
            seq_no_primary_term=True,
            version=True,
        )
        deleted = 0
        with closing(hits):
            while page := list(islice(hits, IDS_AT_ONCE)):
                deleted += self._delete_orphans(page)
        return deleted

    def _reached(self) -> int:
        """Every change of the source up to this sequence number can be found after a refresh."""
        stats = self._es.indices.stats(index=self._move.source, level="shards", metric="docs")
        shards = [one for copies in stats["indices"][self._move.source]["shards"].values() for one in copies]
        return min(int(one["seq_no"]["local_checkpoint"]) for one in shards)

    def _copy(self, page: list[dict[str, Any]]) -> Iterator[Copied]:
        kinds = self._scope.where.fields_of(self._move.source)
        stored = [Stored.of(hit, kinds) for hit in page]
        heads = self._heads(stored)
        stale = [one for one in stored if heads.get(one.id, (0, 0, 0))[0] < version_of(one.seq_no)]
        standing = self._standing([one for one in stale if one.id in heads])
        for one in stored:
            if one not in stale:
                yield Copied(one.id, "unchanged")
        copies: list[_Copy] = []
        for copy in self._copies(stale, standing, heads):
            earlier = standing.get(copy.stored.id)
            if earlier is not None and earlier.source == copy.source:
                yield Copied(copy.stored.id, "unchanged")
            else:
                copies.append(copy)
        yield from self._write(copies)

    def _copies(
        self,
        stale: Sequence[Stored],
        standing: dict[str, Place],
        heads: dict[str, tuple[int, int, int]],
    ) -> Iterator[_Copy]:
        with ThreadPoolExecutor(IN_PROGRESS) as threads:
            try:
                yield from threads.map(
                    lambda one: self._made(one, standing.get(one.id), heads.get(one.id)), stale
                )
            except BaseException:
                if self._embedder:
                    self._embedder.stopped.set()
                raise

    def _made(self, stored: Stored, earlier: Place | None, head: tuple[int, int, int] | None) -> _Copy:
        place = stored.place
        if self._moved and earlier is not None and head is not None and head[0] % STEP:
            return _Copy(stored, with_words_of(earlier, place), Embedded(), 0, (head[1], head[2]))
        kept = kept_vectors(place, earlier, str(self._model["id"]))
        wanted = missing_vectors(place, kept)
        image = self._scope.image_field(self._move.source)
        embedded = self._embedder.embed(place, image, wanted) if self._embedder else Embedded()
        model = self._model
        if earlier is not None and kept and not embedded.vectors:
            model = {name: earlier.at(f"model.{name}") for name in model}
        source = rewritten(place, embedded.vectors, kept, earlier, model, bool(embedded.sources[CROP]))
        return _Copy(stored, source, embedded, len(wanted) - len(embedded.vectors))

    def _write(self, copies: Sequence[_Copy]) -> Iterator[Copied]:
        """Past the pipeline, which would process a kept photo anew. The final pipeline asks for the right to
        write faces."""
        answers = streaming_bulk(
            self._es,
            (copy.as_action(self._move.target) for copy in copies),
            chunk_size=AT_ONCE,
            max_chunk_bytes=BULK_BYTES,
            raise_on_error=False,
            pipeline="_none",
            **RETRIES,
        )
        for copy, (ok, answer) in zip(copies, answers, strict=True):
            item = answer["index"]
            if ok:
                yield Copied(copy.stored.id, "copied", copy.embedded.sources, copy.without)
            elif item.get("status") == CONFLICT:
                # Somebody changed the copy itself meanwhile, as `faces forget` does in every index.
                yield Copied(copy.stored.id, "unchanged")
            else:
                refusal = refusal_of(item)
                if refusal.code == "read_only":
                    raise IndexBlocked(refusal.reason)
                yield Copied(copy.stored.id, "failed", reason=refusal.reason)

    def _heads(self, stored: Sequence[Stored]) -> dict[str, tuple[int, int, int]]:
        """Version, sequence number and primary term of each copy that there is, as of this moment."""
        wanted = [{"_id": one.id, "_source": False} | _routed(one.routing) for one in stored]
        found = self._es.mget(index=self._move.target, docs=wanted)["docs"]
        return {
            one["_id"]: (one["_version"], one["_seq_no"], one["_primary_term"])
            for one in found
            if one.get("found")
        }

    def _standing(self, stored: Sequence[Stored]) -> dict[str, Place]:
        """The copies that there are, with their vectors, by id."""
        if not stored:
            return {}
        self._es.indices.refresh(index=self._move.target)
        hits = self._es.search(
            index=self._move.target,
            query={"ids": {"values": [one.id for one in stored]}},
            size=len(stored),
            source=WHOLE,
            seq_no_primary_term=True,
            allow_partial_search_results=False,
        )["hits"]["hits"]
        kinds = self._there.where.fields_of(self._move.target)
        return {hit["_id"]: Stored.of(hit, kinds).place for hit in hits}

    def _delete_orphans(self, page: Sequence[dict[str, Any]]) -> int:
        copies = [hit for hit in page if not self._moved or hit["_version"] >= STEP]
        if not copies:
            return 0
        wanted = [{"_id": hit["_id"], "_source": False} | _routed(hit.get("_routing")) for hit in copies]
        found = self._es.mget(index=self._move.source, docs=wanted)["docs"]
        there = {one["_id"] for one in found if one.get("found")}
        operations = [
            {
                "delete": {
                    "_id": hit["_id"],
                    "if_seq_no": hit["_seq_no"],
                    "if_primary_term": hit["_primary_term"],
                }
                | _routed(hit.get("_routing"))
            }
            for hit in copies
            if hit["_id"] not in there
        ]
        if not operations:
            return 0
        items = [
            item["delete"] for item in self._es.bulk(index=self._move.target, operations=operations)["items"]
        ]
        if refused := [item for item in items if item["status"] not in (200, GONE, CONFLICT)]:
            raise IndexBlocked(f"[{self._move.target}] takes no deletion: {innermost(refused[0]['error'])}")
        return sum(item["status"] == 200 for item in items)


def _routed(routing: str | None) -> dict[str, str]:
    return {"routing": routing} if routing else {}
