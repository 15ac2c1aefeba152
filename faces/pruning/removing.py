"""Deletes the documents of photos that are gone at their source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from elasticsearch import Elasticsearch

from faces.decisions.deleting import AT_ONCE, Doomed, delete
from faces.decisions.entries import Decision, Operation
from faces.decisions.journal import Journal
from faces.pruning.missing import Missing
from faces.pruning.source_folder import SourceFolder

Outcome = Literal["deleted", "back", "changed", "refused"]


@dataclass(frozen=True)
class Removed:
    """What became of a document: ``deleted``; kept as its file is ``back``, or as somebody ``changed`` it
    since it was shown; or ``refused`` by Elasticsearch, for this reason."""

    missing: Missing
    outcome: Outcome
    reason: str | None = None


def remove(
    es: Elasticsearch,
    journal: Journal,
    operation: Operation,
    folder: SourceFolder,
    missing: Sequence[Missing],
) -> Iterator[Removed]:
    """Deletes documents, each only if it is as it was when it was found, and its file is still gone. What
    people said in it stays in the journal. Yields what became of each.

    Args:
        folder: that hasn't looked yet.

    Raises:
        JournalMissing, JournalNotWritten: nothing of this batch was deleted.
        IndexBlocked: the index takes no changes; raised after the outcomes of those that were made.
    """
    for start in range(0, len(missing), AT_ONCE):
        going = []
        for one in missing[start : start + AT_ONCE]:
            if all(folder.place_of(name) in ("gone", "empty_folder") for name in one.names):
                going.append(one)
            else:
                yield Removed(one, "back")
        yield from _delete(es, journal, operation, going)


def _delete(
    es: Elasticsearch, journal: Journal, operation: Operation, going: Sequence[Missing]
) -> Iterator[Removed]:
    ended = delete(es, journal, [_doomed(one, operation) for one in going])
    for one, what in zip(going, ended, strict=True):
        yield Removed(one, "deleted" if what.outcome == "gone" else what.outcome, what.reason)


def _doomed(one: Missing, operation: Operation) -> Doomed:
    """With an entry of the document itself, and of each face about which something was said."""
    states = {None: {}, **one.said.states}
    decisions = (Decision(operation, *one.key, face, before, {}) for face, before in states.items())
    return Doomed(one.key, one.if_unchanged, tuple(decisions))
