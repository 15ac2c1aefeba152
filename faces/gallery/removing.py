"""Portraits that are removed from the gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from faces.decisions.changing import Changed, Outcome
from faces.decisions.deleting import Doomed, delete
from faces.decisions.documents import Document, source_of
from faces.decisions.entries import Decision, Operation
from faces.decisions.journal import Journal
from faces.gallery.people import Gallery, NobodyEnrolled
from faces.pages import every_hit
from faces.refused import IndexBlocked

CHANGED = "somebody changed it meanwhile: run this again"


def portraits(gallery: Gallery, who: str) -> list[Document]:
    """A person's, or the one with this id.

    Raises:
        NobodyEnrolled: there is neither.
    """
    source = source_of(gallery.where)
    without_vectors = {"includes": source["includes"], "excludes": [gallery.field.vector, "*.vector"]}

    def found(query: dict[str, Any]) -> list[Document]:
        hits = every_hit(gallery.es, gallery.name, query, source=without_vectors, seq_no_primary_term=True)
        return [Document.of(hit, gallery.where) for hit in hits]

    try:
        return found(gallery.portraits_of(gallery.person(who).name))
    except NobodyEnrolled:
        # One with an error, too, which is nobody's portrait.
        if own := found({"ids": {"values": [who]}}):
            return own
        raise


def whose(found: Sequence[Document]) -> str:
    names = sorted({name for portrait in found for name in portrait.names})
    return ", ".join(f"[{name}]" for name in names) or "nobody"


def remove(
    gallery: Gallery,
    journal: Journal,
    operation: Operation,
    found: Sequence[Document],
    dry_run: bool = False,
) -> Iterator[Changed]:
    """Deletes portraits, each only if it is still as it was read; yields what became of each. The journal
    keeps whose they were, and no vector."""
    decided = [
        Decision(operation, portrait.index, portrait.id, None, portrait.state().get(None, {}), {})
        for portrait in found
    ]
    if dry_run:
        yield from (_changed(one, decision, None) for one, decision in zip(found, decided, strict=True))
        return
    doomed = [
        Doomed(portrait.key, portrait.if_unchanged, (decision,))
        for portrait, decision in zip(found, decided, strict=True)
    ]
    ended = delete(gallery.es, journal, doomed, refresh="wait_for")
    # Of an index that takes no changes each portrait says so.
    with suppress(IndexBlocked):
        for portrait, decision, what in zip(found, decided, ended, strict=True):
            yield _changed(portrait, decision, CHANGED if what.outcome == "changed" else what.reason)


def _changed(portrait: Document, decision: Decision, reason: str | None) -> Changed:
    outcome: Outcome = "changed" if reason is None else "failed"
    return Changed(portrait.index, portrait.id, outcome, 1, reason, portrait.path, True, (decision,))
