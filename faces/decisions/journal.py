"""The journal of what people decided: who, when, what, before and after. No photo, no vector.

It is written before the documents. So an entry may be about a change that was never made: of a command that
was killed, or a document that changed meanwhile. Such a document doesn't have what ``after`` says.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch
from elasticsearch.helpers import BulkIndexError, bulk, streaming_bulk

from es_setup.shipped_files import JOURNAL
from faces.decisions.entries import (
    HEAD,
    Action,
    Decision,
    Operation,
    Recorded,
    decision_of,
    entry_of,
    head_of,
    operation_of,
)
from faces.pages import every_hit
from ingest_service.errors import UserError

RESUMED_WITHIN = "24h"
"""How long after it began a command that was killed is continued by the same command."""


class JournalMissing(UserError):
    """There is nowhere to write decisions down; the message says what to do."""


class JournalNotWritten(UserError):
    """The journal refuses entries; the message says why. Nothing was changed that isn't in it."""


@dataclass
class Written:
    """Entries that this run was the first to write: to take them back if nothing was changed after all.

    first: entry's id -> document, and the entry's own index and version.
    """

    first: dict[str, tuple[tuple[str, str], str, int, int]] = field(default_factory=dict)

    def about(self, documents: Collection[tuple[str, str]]) -> list[str]:
        """The ids of the entries about these documents."""
        wanted = set(documents)
        return [one for one, (document, *_) in self.first.items() if document in wanted]


class Journal:
    """The journal of one cluster."""

    def __init__(self, es: Elasticsearch) -> None:
        self._es = es

    def begin(self, action: Action, about: Sequence[str] = (), undoes: str | None = None) -> Operation:
        """A new operation, or the one that this same command began and didn't finish.

        Args:
            about: the command's arguments, if it may be killed and run again: then `finish` it.
            undoes: the operation that is undone.

        Raises:
            JournalMissing: there is no journal.
        """
        self._require()
        user = user_name(self._es)
        digest = hashlib.sha256("\n".join((action, *about)).encode()).hexdigest()[:16] if about else None
        if digest and (begun := self._unfinished(action, user, digest)):
            return begun
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Operation(uuid.uuid4().hex[:12], action, user, at, undoes, digest)

    def write(self, decisions: Iterable[Decision], written: Written | None = None) -> Written:
        """Writes entries; one that is there already is overwritten.

        Args:
            written: what an earlier try of this run wrote.

        Raises:
            JournalMissing: there is no journal.
            JournalNotWritten: Elasticsearch refuses an entry.
        """
        done = written or Written()
        each = {one.id: one for one in decisions}
        actions = ({"_index": JOURNAL, "_id": key, "_source": entry_of(one)} for key, one in each.items())
        try:
            for _, answer in streaming_bulk(self._es, actions, require_alias=True, max_retries=5):
                item = answer["index"]
                key = item["_id"]
                if item["result"] == "created" or key in done.first:
                    document = (each[key].index, each[key].document)
                    done.first[key] = (document, item["_index"], item["_seq_no"], item["_primary_term"])
        except BulkIndexError as error:
            raise _not_written(error) from None
        return done

    def withdraw(self, written: Written, ids: Iterable[str]) -> None:
        """Takes back entries about changes that weren't made, unless another run has written them too."""
        actions = []
        for key in ids:
            _, index, seq_no, primary_term = written.first.pop(key)
            version = {"if_seq_no": seq_no, "if_primary_term": primary_term}
            actions.append({"_op_type": "delete", "_index": index, "_id": key, **version})
        if actions:
            bulk(self._es, actions, raise_on_error=False)

    def said_by_others(self, written: Written, decisions: Sequence[Decision]) -> set[str]:
        """The ids of those of these decisions, written by this run, that another run wrote down as well.

        Of a face, what another operation wrote down last counts: what was said before that was undone since.
        """
        if not decisions:
            return set()
        self._refresh()
        of_this = {"term": {"operation.id": decisions[0].operation.id}}
        about = [{"terms": {"document.id": sorted({one.document for one in decisions})}}]
        others = {"bool": {"filter": about, "must_not": [of_this]}}
        last: dict[tuple[str, str, str | None], tuple[int, Decision]] = {}
        with closing(every_hit(self._es, JOURNAL, others, seq_no_primary_term=True)) as hits:
            for hit in hits:
                other, seq_no = decision_of(hit["_source"]), hit["_seq_no"]
                face = (other.index, other.document, other.face)
                if face not in last or last[face][0] < seq_no:
                    last[face] = (seq_no, other)
        overwritten = self._overwritten(written, [one.id for one in decisions])
        found = set(overwritten)
        for one in decisions:
            _, same = last.get((one.index, one.document, one.face), (0, None))
            if same and (same.before, same.after) == (one.before, one.after):
                found.add(one.id)
        return found

    def _overwritten(self, written: Written, ids: Sequence[str]) -> list[str]:
        """Those of the entries that another run of the same command has written since."""
        entries = self._es.mget(index=JOURNAL, ids=ids, source=False)["docs"] if ids else []
        return [
            one["_id"]
            for one in entries
            if one["_id"] not in written.first or one.get("_seq_no") != written.first[one["_id"]][2]
        ]

    def finish(self, operation: Operation) -> None:
        """Says that nothing is left to do of the operation, so that the same command begins a new one."""
        document = {**head_of(operation), "operation": {**head_of(operation)["operation"], "finished": True}}
        self._es.index(index=JOURNAL, id=operation.id, document=document, require_alias=True)

    def operations(self, size: int = 20, name: str | None = None) -> list[Recorded]:
        """The last operations, newest first.

        Args:
            name: only those about this person.

        Raises:
            JournalMissing: there is no journal.
        """
        self._refresh()
        entries: dict[str, Any] = {"exists": {"field": "document.id"}}
        query = {"bool": {"filter": [entries, *([{"term": {"names": name}}] if name else [])]}}
        newest = {"newest": "desc"}
        within = {
            "newest": {"max": {"field": "@timestamp"}},
            "documents": {"cardinality": {"field": "document.id"}},
            "one": {"top_hits": {"size": 1, "_source": HEAD}},
        }
        answer = self._es.search(
            index=JOURNAL,
            size=0,
            query=query,
            aggs={
                "operations": {
                    "terms": {"field": "operation.id", "size": size, "order": newest},
                    "aggs": within,
                }
            },
        )
        buckets = answer["aggregations"]["operations"]["buckets"]
        found = [(operation_of(bucket["one"]["hits"]["hits"][0]["_source"]), bucket) for bucket in buckets]
        undone = self._undone([operation.id for operation, _ in found])
        return [
            Recorded(operation, bucket["doc_count"], bucket["documents"]["value"], operation.id in undone)
            for operation, bucket in found
        ]

    def operation(self, operation_id: str) -> Operation | None:
        """The operation with this id; None if the journal has none."""
        self._refresh()
        query = {"term": {"operation.id": operation_id}}
        hits = self._es.search(index=JOURNAL, query=query, size=1, source=HEAD)["hits"]["hits"]
        return operation_of(hits[0]["_source"]) if hits else None

    def decisions(self, operation_id: str | None = None, name: str | None = None) -> Iterator[Decision]:
        """Every entry: of one operation by document, or of all, newest first.

        Args:
            name: only entries about this person.
        """
        self._refresh()
        filters: list[dict[str, Any]] = [{"exists": {"field": "document.id"}}]
        filters += [{"term": {"operation.id": operation_id}}] if operation_id else []
        filters += [{"term": {"names": name}}] if name else []
        newest: list[dict[str, Any]] = [{"@timestamp": {"order": "desc"}}]
        order = BY_DOCUMENT if operation_id else newest
        with closing(every_hit(self._es, JOURNAL, {"bool": {"filter": filters}}, order)) as hits:
            for hit in hits:
                yield decision_of(hit["_source"])

    def documents(self, operation_id: str) -> int:
        """About how many documents an operation has changed."""
        answer = self._es.search(
            index=JOURNAL,
            size=0,
            query={"term": {"operation.id": operation_id}},
            aggs={"documents": {"cardinality": {"field": "document.id"}}},
        )
        return int(answer["aggregations"]["documents"]["value"])

    def indices(self, operation_id: str) -> list[str]:
        """Those in which an operation has changed something, at most 1,000."""
        self._refresh()
        answer = self._es.search(
            index=JOURNAL,
            size=0,
            query={"term": {"operation.id": operation_id}},
            aggs={"indices": {"terms": {"field": "document.index", "size": 1_000}}},
        )
        return sorted(bucket["key"] for bucket in answer["aggregations"]["indices"]["buckets"])

    def _require(self) -> None:
        if not self._es.indices.exists_alias(name=JOURNAL):
            raise JournalMissing(MISSING)

    def _refresh(self) -> None:
        """Lets searches find what was written a moment ago, if the user may."""
        self._require()
        try:
            self._es.indices.refresh(index=JOURNAL)
        except AuthorizationException:
            return

    def _unfinished(self, action: Action, user: str, digest: str) -> Operation | None:
        self._refresh()
        same = [
            {"term": {"event.action": action}},
            {"term": {"user.name": user}},
            {"term": {"operation.digest": digest}},
            {"range": {"@timestamp": {"gte": f"now-{RESUMED_WITHIN}"}}},
        ]
        last = self._es.search(
            index=JOURNAL,
            query={"bool": {"filter": same}},
            size=1,
            sort=[{"@timestamp": {"order": "desc"}}],
            source=HEAD,
        )["hits"]["hits"]
        if not last:
            return None
        operation = operation_of(last[0]["_source"])
        finished = {
            "bool": {
                "filter": [
                    {"term": {"operation.id": operation.id}},
                    {"term": {"operation.finished": True}},
                ]
            }
        }
        is_over = self._es.count(index=JOURNAL, query=finished)["count"] or self._undone([operation.id])
        return None if is_over else operation

    def _undone(self, ids: list[str]) -> set[str]:
        """Those of the operations that a finished undo, which itself stands, has undone."""
        found: dict[str, str] = {}
        asked = ids
        while asked:
            query = {
                "bool": {"filter": [{"terms": {"undoes": asked}}, {"term": {"operation.finished": True}}]}
            }
            hits = list(every_hit(self._es, JOURNAL, query, source=HEAD))
            undoing = {
                hit["_source"]["operation"]["id"]: hit["_source"]["undoes"]
                for hit in hits
                if hit["_source"]["operation"]["id"] not in found
            }
            found |= undoing
            asked = list(undoing)
        stands = dict.fromkeys(found, True)
        # Latest undo first: an undo of an undo lets the first stand.
        for undo in reversed(found):
            stands[undo] = not any(of == undo and stands[other] for other, of in found.items())
        return {of for undo, of in found.items() if stands[undo] and of in ids}


BY_DOCUMENT: list[dict[str, Any]] = [{"document.index": {"order": "asc"}}, {"document.id": {"order": "asc"}}]
MISSING = f"there is no journal [{JOURNAL}] to write decisions into: run `faces install`, which creates it"


def user_name(es: Elasticsearch) -> str:
    """Elasticsearch's user; without security the user of this machine."""
    answer = es.options(ignore_status=(400, 404, 405, 500)).perform_request(
        "GET", "/_security/_authenticate", headers={"accept": "application/json"}
    )
    if isinstance(answer.body, dict) and (name := answer.body.get("username")):
        return str(name)
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # A container's user may have no name.
        return f"uid {os.getuid()}"


def _not_written(error: BulkIndexError) -> UserError:
    item = next(iter(error.errors[0].values()))
    if item.get("status") == 404:
        return JournalMissing(MISSING)
    reason = item.get("error", {}).get("reason", f"status {item.get('status')}")
    return JournalNotWritten(f"the journal [{JOURNAL}] takes no entry: {reason}")
