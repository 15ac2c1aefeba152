"""What a person decides about an uncertain face: written at once, so that nothing is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from elasticsearch import Elasticsearch

from faces.decisions.changing import change
from faces.decisions.derived import is_decided
from faces.decisions.documents import Document, face_id
from faces.decisions.entries import Action, Operation
from faces.decisions.journal import Journal
from faces.decisions.undoing import undo
from faces.reviewing.queue import UncertainFace
from faces.searchable import Searchable
from faces.writable import NotWritable

REMEMBERED = 1_000
"""Decisions that can be undone one after the other; `faces undo` undoes older ones, too."""

Face = dict[str, Any]
Outcome = Literal["changed", "taken", "failed"]


@dataclass(frozen=True)
class Decided:
    """What became of a decision.

    outcome: ``taken``: nothing was written, as somebody decided meanwhile, or the face is gone.
    reason: why it wasn't written.
    """

    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True)
class _Done:
    """A decision that was written."""

    face: UncertainFace
    operation: Operation


@dataclass
class Review:
    """Decisions of one person at one go."""

    es: Elasticsearch
    where: Searchable
    dry_run: bool = False
    _done: deque[_Done] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def name(self, face: UncertainFace, name: str) -> Decided:
        """Says who it is."""
        return self._decide(face, "label", lambda document, one: document.set_label(one, name))

    def reject(self, face: UncertainFace) -> Decided:
        """Says that it is none of those who are shown."""
        shown = [one.name for one in face.candidates if one.name]
        return self._decide(
            face, "not", lambda document, one: document.set_not(one, [*document.not_of(one), *shown])
        )

    def ignore(self, face: UncertainFace) -> Decided:
        """Says that nobody wants to see it."""
        return self._decide(face, "ignore", lambda document, one: document.set_ignored(one, True))

    def undo(self) -> tuple[UncertainFace, Decided] | None:
        """Takes the last decision back; None if there is none left."""
        if not self._done:
            return None
        last = self._done.pop()
        journal = Journal(self.es)
        undoing = journal.begin("undo", undoes=last.operation.id)
        try:
            undone = list(undo(self.es, journal, undoing))
        except NotWritable as error:
            return last.face, Decided("failed", str(error))
        if not undone:
            return last.face, Decided("failed", "the journal can't be searched for it yet: use `faces undo`")
        ((changed, since),) = undone
        if changed.outcome == "failed":
            return last.face, Decided("failed", changed.reason)
        journal.finish(undoing)
        return last.face, Decided("taken", "; ".join(since)) if since else Decided("changed")

    def _decide(self, face: UncertainFace, action: Action, say: Callable[[Document, Face], None]) -> Decided:
        journal = Journal(self.es)
        operation = journal.begin(action)
        found: list[Decided] = []

        def edit(document: Document) -> None:
            one = _face(document, face.face)
            if one is None:
                found.append(Decided("taken", "the face is gone"))
            elif is_decided(one):
                found.append(Decided("taken", f"somebody decided meanwhile: {_told(document, one)}"))
            else:
                say(document, one)

        (changed,) = change(self.es, journal, operation, self.where, [face.key], edit, dry_run=self.dry_run)
        if changed.outcome == "failed":
            return Decided("failed", changed.reason)
        if changed.outcome == "unchanged":
            return found[-1] if found else Decided("taken", "it says so already")
        if not self.dry_run:
            self._done.append(_Done(face, operation))
        return Decided("changed")


def _face(document: Document, wanted: str) -> Face | None:
    """
    Args:
        wanted: its id, by `face_id`.
    """
    each = enumerate(document.faces)
    return next((one for position, one in each if face_id(one, position) == wanted), None)


def _told(document: Document, face: Face) -> str:
    if name := document.label_of(face):
        return f"it is [{name}]"
    if rejected := document.not_of(face):
        return f"it is not {', '.join(f'[{name}]' for name in rejected)}"
    return "it is to be ignored"
