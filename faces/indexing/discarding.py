"""Deletes documents of photos that failed, but none that a person said something about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from elasticsearch import Elasticsearch

from faces.decisions.deleting import Doomed, delete
from faces.decisions.documents import Document, source_of
from faces.decisions.entries import Decision, Operation
from faces.decisions.journal import Journal
from faces.decisions.state import State
from faces.indexing.failed_documents import PAGE, FailedDocuments
from faces.pages import every_hit

Outcome = Literal["discarded", "kept", "changed", "refused"]


@dataclass(frozen=True)
class Failed:
    """A document with an error, as it stands.

    said: what people said about it; empty if nothing.
    """

    document: Document
    code: str
    said: State


@dataclass(frozen=True)
class Discarded:
    """What became of it: ``kept`` as people said something about it or it has faces, ``changed`` by somebody
    meanwhile and therefore kept, or ``refused`` by Elasticsearch, for this reason."""

    failed: Failed
    outcome: Outcome
    reason: str | None = None


def failed_documents(wanted: FailedDocuments) -> Iterator[Failed]:
    """The documents that may be discarded, and those that are kept; with ``may_go`` it is told which."""
    source = source_of(wanted.where)
    hits = every_hit(
        wanted.es, wanted.where.name, wanted.query(), size=PAGE, source=source, seq_no_primary_term=True
    )
    for hit in hits:
        document = Document.of(hit, wanted.where)
        yield Failed(document, str(document.get("error.code")), document.state()[None])


def may_go(failed: Failed, with_decisions: bool) -> bool:
    """Whether nothing is lost but a photo that failed; with its decisions, if that is wanted."""
    return not failed.document.faces and (with_decisions or not failed.said)


def discard(wanted: FailedDocuments, operation: Operation, with_decisions: bool) -> Iterator[Discarded]:
    """Deletes the documents that may go, each only if it is still as it was read. Yields what became of each.

    Raises:
        JournalMissing, JournalNotWritten: nothing of this batch was deleted.
        IndexBlocked: the index takes no changes; raised after the outcomes of those that were made.
    """
    journal = Journal(wanted.es)
    found = failed_documents(wanted)
    while batch := list(islice(found, PAGE)):
        yield from (Discarded(one, "kept") for one in batch if not may_go(one, with_decisions))
        going = [one for one in batch if may_go(one, with_decisions)]
        yield from _delete(wanted.es, journal, operation, going)


def _delete(
    es: Elasticsearch, journal: Journal, operation: Operation, going: Sequence[Failed]
) -> Iterator[Discarded]:
    doomed = [
        Doomed(
            one.document.key,
            one.document.if_unchanged,
            (Decision(operation, *one.document.key, None, one.said, {}),),
        )
        for one in going
    ]
    for one, what in zip(going, delete(es, journal, doomed), strict=True):
        yield Discarded(one, "discarded" if what.outcome == "gone" else what.outcome, what.reason)
