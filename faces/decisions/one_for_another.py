"""One name for another, everywhere: a person gets another name, or two names turn out to be one person's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from elasticsearch import Elasticsearch

from faces.buckets import by_index
from faces.decisions.changing import Changed, change
from faces.decisions.documents import Document, Key
from faces.decisions.entries import Operation
from faces.decisions.journal import Journal
from faces.decisions.labelling import BadName, known_name, one_name
from faces.decisions.renaming import contradictions, count_with, keys_with, rename, standing
from faces.decisions.state import State, state_of_face
from faces.names import UnknownPerson
from faces.searchable import Searchable
from faces.writable import require_writable


class NameTaken(UnknownPerson):
    """Somebody else has the new name; the message says what to do."""


@dataclass
class NameReplacement:
    """
    documents: how many have the old name; a bound of those that are changed.
    contradicting: a document and the id of a face in it, whose label stays -> the document's path, and what
        people said of the face: that it is one of both, and not the other.
    """

    es: Elasticsearch
    journal: Journal
    operation: Operation
    where: Searchable
    old: str
    new: str
    held: dict[str, int]
    contradicting: dict[tuple[Key, str], tuple[str, State]] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, es: Elasticsearch, where: Searchable, action: Literal["rename", "merge"], old: str, new: str
    ) -> NameReplacement:
        """
        Args:
            action: whether nobody may have the new name yet, or somebody must.

        Raises:
            BadName: a name is empty, the new one is too long, or both are the same.
            UnknownPerson: nobody has the old name, or, for a merge, the new one.
            NameTaken: for another name, somebody has it.
            JournalMissing: there is no journal.
        """
        old, new = known_name(old), one_name(new)
        if old == new:
            raise BadName(f"both names are [{old}]")
        journal = Journal(es)
        operation = journal.begin(action, [where.name, old, new])
        if journal.operation(operation.id) is None:
            # Else it was begun before, and may have gone far.
            _check(es, where, action, old, new)
        held = by_index(es, where.name, standing(es, where, old))
        return cls(es, journal, operation, where, old, new, held)

    @property
    def documents(self) -> int:
        return sum(self.held.values())

    def run(self, dry_run: bool = False) -> Iterator[Changed]:
        """Yields what became of each document.

        Raises:
            NotWritable: an index doesn't take changes; nothing was changed.
            Others: as `faces.decisions.changing.change`.
        """
        if not dry_run:
            require_writable(self.es, self.held)
        keys = keys_with(self.es, self.where, self.old)
        failed = False
        for one in change(self.es, self.journal, self.operation, self.where, keys, self._edit, dry_run):
            failed |= one.outcome == "failed"
            yield one
        if not (failed or dry_run):
            self.journal.finish(self.operation)

    def _edit(self, document: Document) -> None:
        for face in contradictions(document, self.old, self.new):
            self.contradicting[document.key, str(face.get("id"))] = document.path, state_of_face(face)
        rename(document, self.old, self.new)


def _check(es: Elasticsearch, where: Searchable, action: str, old: str, new: str) -> None:
    if not count_with(es, where, old):
        raise UnknownPerson(
            f"nobody is called [{old}] in [{where.name}]: `faces list people` lists the names"
        )
    taken = bool(count_with(es, where, new))
    if action == "rename" and taken:
        raise NameTaken(
            f"somebody is called [{new}] already: if it is the same person, run `faces merge` with both names"
        )
    if action == "merge" and not taken:
        raise UnknownPerson(
            f"nobody is called [{new}] in [{where.name}]: for another name, run `faces rename`"
        )
