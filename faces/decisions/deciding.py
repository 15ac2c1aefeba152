"""What a person says about faces, as one operation; by a command, or on the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from faces.decisions import labelling
from faces.decisions.changing import Changed, change
from faces.decisions.entries import Action, Operation
from faces.decisions.journal import Journal
from faces.decisions.labelling import FaceEdit, FaceEdits
from faces.searchable import Searchable

EDITS: dict[Action, Callable[[Sequence[str]], FaceEdit]] = {
    "label": lambda names: labelling.label(names[0]),
    "unlabel": lambda _: labelling.unlabel,
    "not": lambda names: labelling.rule_out(names) if names else labelling.rule_out_shown,
    "ignore": lambda _: labelling.ignore(True),
    "unignore": lambda _: labelling.ignore(False),
}
"""What can be said about a face -> its edit, for the names that go with it."""


@dataclass(frozen=True)
class Deciding:
    """One operation.

    where: what can be searched behind the faces' indices.
    """

    es: Elasticsearch
    journal: Journal
    operation: Operation
    where: Searchable

    @classmethod
    def begin(cls, es: Elasticsearch, where: Searchable, action: Action, about: Sequence[str]) -> Deciding:
        """
        Args:
            about: what it is about: the same, killed and run again, goes on as one operation.

        Raises:
            JournalMissing: there is no journal.
        """
        journal = Journal(es)
        return cls(es, journal, journal.begin(action, [where.name, *about]), where)

    def make(self, edits: FaceEdits, dry_run: bool = False) -> Iterator[Changed]:
        """Yields what became of each document.

        Raises: as `faces.decisions.changing.change`.
        """
        failed = False
        for one in change(self.es, self.journal, self.operation, self.where, edits.keys, edits.edit, dry_run):
            failed |= one.outcome == "failed"
            yield one
        if not (failed or dry_run):
            self.journal.finish(self.operation)
