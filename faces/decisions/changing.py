"""Changes documents with faces, so that no decision of anybody is lost.

Each batch is read, edited, written into the journal, and then into the documents, each only if it is still as
it was read; else it is read and edited again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from elasticsearch import AuthorizationException, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from es_setup.failures import innermost
from faces.decisions.derived import follow
from faces.decisions.documents import Document, Key, read
from faces.decisions.entries import Decision, Operation
from faces.decisions.journal import Journal, Written
from faces.decisions.state import without_group
from faces.searchable import Searchable

AT_ONCE = 100
BULK_BYTES = 32_000_000
"""Elasticsearch refuses requests over 100 MB; a third of that leaves room for other clients."""
TRIES = 5
FIRST_WAIT = 0.5
"""Seconds before a second try where Elasticsearch is busy; then twice as long each time."""
CONFLICT, BUSY = 409, (429, 503)
GONE = "it was deleted meanwhile"
TOO_OFTEN = "somebody else changes it all the time: run this again"


class NotEdited(Exception):
    """Raised by an edit that can't be made in this document; the message says why."""


Edit = Callable[[Document], None]
Prepare = Callable[[Sequence[Document]], Edit]
"""Looks at the documents of one batch, and returns how each is edited."""
Outcome = Literal["changed", "unchanged", "failed"]


@dataclass(frozen=True)
class Changed:
    """What became of a document.

    faces: number of faces that were changed.
    reason: why it wasn't changed, if it should have been.
    path: of its file, if known.
    is_portrait: whether it is a portrait of a gallery.
    decisions: what was changed, or would be in a dry run.
    """

    index: str
    id: str
    outcome: Outcome
    faces: int
    reason: str | None = None
    path: str = ""
    is_portrait: bool = False
    decisions: tuple[Decision, ...] = ()


def change(
    es: Elasticsearch,
    journal: Journal,
    operation: Operation,
    where: Searchable,
    keys: Iterable[Key],
    edit: Edit,
    dry_run: bool = False,
) -> Iterator[Changed]:
    """Edits documents; yields what became of each. Names and numbers follow, as in the pipeline.

    Args:
        where: what can be searched behind the keys' indices.
        keys: of the documents; read as they are needed.
        edit: changes one document in place. It is called again for a document that changed meanwhile.
        dry_run: changes nothing, and yields what would be changed.

    Raises:
        JournalMissing, JournalNotWritten: nothing of this batch was changed.
        elasticsearch.ApiError, TransportError: Elasticsearch refuses a whole request, or doesn't answer.
    """
    yield from _Run(es, _Recording(journal, operation), where, lambda _: edit, dry_run).all(keys)


def rewrite(
    es: Elasticsearch, where: Searchable, keys: Iterable[Key], prepare: Prepare, dry_run: bool = False
) -> Iterator[Changed]:
    """As `change`, of what no person said: the machine's guesses. It isn't written into the journal."""
    yield from _Run(es, None, where, prepare, dry_run).all(keys)


@dataclass(frozen=True)
class _Edited:
    """A document after an edit, with what differs."""

    document: Document
    faces: int
    decisions: tuple[Decision, ...]
    update: dict[str, Any]

    def as_changed(self, outcome: Outcome, reason: str | None = None) -> Changed:
        document = self.document
        return Changed(
            document.index,
            document.id,
            outcome,
            # A portrait's face is named by the document.
            self.faces or int(document.is_portrait and bool(self.decisions)),
            reason,
            document.path,
            document.is_portrait,
            self.decisions,
        )


@dataclass(frozen=True)
class _Recording:
    """Where decisions are written down."""

    journal: Journal
    operation: Operation


@dataclass
class _Run:
    """recording: None for what isn't decided by people."""

    es: Elasticsearch
    recording: _Recording | None
    where: Searchable
    prepare: Prepare
    dry_run: bool
    written: Written = field(default_factory=Written)

    def all(self, keys: Iterable[Key]) -> Iterator[Changed]:
        waiting = iter(keys)
        may_refresh = self.refresh()
        try:
            while batch := list(islice(waiting, AT_ONCE)):
                yield from self.batch(batch, refresh=not may_refresh)
        finally:
            if not self.dry_run:
                self.refresh()

    def refresh(self) -> bool:
        """Whether the user may."""
        try:
            self.es.indices.refresh(index=self.where.name)
        except AuthorizationException:
            return False
        return True

    def batch(self, keys: Sequence[Key], refresh: bool) -> Iterator[Changed]:
        waiting, reason = list(dict.fromkeys(keys)), TOO_OFTEN
        edited: list[_Edited] = []
        sent: dict[Key, _Edited] = {}
        self.written = Written()
        for attempt in range(TRIES):
            found = {document.key: document for document in read(self.es, self.where, waiting)}
            gone = [key for key in waiting if key not in found]
            self._withdraw(gone)
            yield from (Changed(*key, "failed", 0, GONE) for key in gone)
            edited, edit = [], self.prepare(list(found.values()))
            for document in found.values():
                try:
                    edited.append(self._edited(document, edit))
                except NotEdited as error:
                    self._withdraw([document.key])
                    yield Changed(*document.key, "failed", 0, str(error), document.path)
            same = [one for one in edited if not one.update]
            made = self._made_already([sent[one.document.key] for one in same if one.document.key in sent])
            self._withdraw(
                [one.document.key for one in edited if one.document.key not in made],
                [d.id for one in edited for d in one.decisions],
            )
            yield from made.values()
            yield from (one.as_changed("unchanged") for one in same if one.document.key not in made)
            edited = [one for one in edited if one.update]
            if self.dry_run:
                yield from (one.as_changed("changed") for one in edited)
                return
            again: list[_Edited] = []
            for one, status, problem in self._send(edited, refresh):
                if not problem:
                    yield one.as_changed("changed")
                elif status == CONFLICT or status in BUSY:
                    again.append(one)
                    reason = TOO_OFTEN if status == CONFLICT else problem
                else:
                    self._withdraw([one.document.key])
                    yield one.as_changed("failed", problem)
            sent = {one.document.key: one for one in again}
            edited, waiting = again, list(sent)
            if not waiting:
                return
            if reason != TOO_OFTEN:
                time.sleep(FIRST_WAIT * 2**attempt)
            self.refresh()
        self._withdraw([one.document.key for one in edited])
        yield from (one.as_changed("failed", reason) for one in edited)

    def _edited(self, document: Document, edit: Edit) -> _Edited:
        before = document.copy()
        edit(document)
        follow(document, before)
        decisions: tuple[Decision, ...] = ()
        if self.recording is None:
            faces = sum(one != other for one, other in zip(document.faces, before.faces, strict=True))
        else:
            decisions = tuple(_decisions(self.recording.operation, document, before))
            faces = sum(one.face is not None for one in decisions)
        # What nobody decided anything about stays as it is, also with numbers of an older release.
        is_changed = bool(decisions or (faces and self.recording is None))
        return _Edited(document, faces, decisions, document.changes_since(before) if is_changed else {})

    def _send(self, edited: Sequence[_Edited], refresh: bool) -> Iterator[tuple[_Edited, int, str | None]]:
        """Writes down what was decided, then changes the documents. Yields each with its status, and why it
        wasn't changed."""
        if not edited:
            return
        if self.recording:
            decisions = (decision for one in edited for decision in one.decisions)
            self.recording.journal.write(decisions, self.written)
        actions = ({"_op_type": "update", **one.document.if_unchanged, "doc": one.update} for one in edited)
        answers = streaming_bulk(
            self.es,
            actions,
            chunk_size=AT_ONCE,
            max_chunk_bytes=BULK_BYTES,
            raise_on_error=False,
            refresh=refresh,
        )
        for one, (ok, answer) in zip(edited, answers, strict=True):
            item = answer["update"]
            problem = GONE if item["status"] == 404 else innermost(item.get("error", {}))
            yield one, item["status"], None if ok else problem

    def _made_already(self, sent: Sequence[_Edited]) -> dict[Key, Changed]:
        """Of documents that were sent, refused for their version, and need no change now: those that this run
        has changed. The client sends a request again when the answer to it is lost."""
        if self.recording is None:
            return {}
        decisions = [decision for one in sent for decision in one.decisions]
        others = self.recording.journal.said_by_others(self.written, decisions)
        return {
            one.document.key: one.as_changed("changed")
            for one in sent
            if one.decisions and not others & {decision.id for decision in one.decisions}
        }

    def _withdraw(self, documents: Collection[Key], but: Collection[str] = ()) -> None:
        """Takes back what this run wrote down about documents, but for the entries of these ids."""
        stale = [one for one in self.written.about(documents) if one not in set(but)]
        if self.recording:
            self.recording.journal.withdraw(self.written, stale)


def _decisions(operation: Operation, document: Document, before: Document) -> Iterator[Decision]:
    was, now = before.state(), document.state()
    for face in dict.fromkeys([*was, *now]):
        # A group alone isn't anybody's decision.
        if without_group(was.get(face, {})) != without_group(now.get(face, {})):
            yield Decision(operation, *document.key, face, was.get(face, {}), now.get(face, {}))
