"""Forgets in steps, each of which can be killed: run again, it goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.shipped_files import JOURNAL
from faces.decisions.entries import EVERYWHERE, Decision
from faces.decisions.journal import Journal
from faces.erasure.expunging import Expunged, expunge
from faces.erasure.finding import Findings, find
from faces.erasure.forgotten import Forgotten, Run
from faces.erasure.journal_documents import blank_documents, entries_about
from faces.erasure.journal_names import blank_names, entries_naming
from faces.erasure.proving import Check, prove
from faces.erasure.removing import Removed, Remover
from faces.erasure.scope import Scope
from faces.erasure.subject import Subject
from faces.writable import NotWritable, require_writable

ROUNDS = 5
"""How often is looked again for what somebody stored or changed meanwhile."""


@dataclass
class Forgetting:
    """One subject that is forgotten.

    digest: the keyed hash by which the run is found again.
    vectors: model -> vectors of what goes; for the proof, and kept nowhere.
    is_expunged: whether every index was looked at whose segments are to be rewritten.
    """

    es: Elasticsearch
    scope: Scope
    forgotten: Forgotten
    subject: Subject
    digest: str
    allow_again: bool = False
    run: Run = field(init=False)
    vectors: dict[str, list[list[float]]] = field(default_factory=dict)
    expunged: list[Expunged] = field(default_factory=list)
    is_expunged: bool = False
    checks: list[Check] = field(default_factory=list)
    problems: list[Removed] = field(default_factory=list)

    def begin(self, findings: Findings) -> None:
        """Keeps what will be done, before anything is.

        Raises:
            NotWritable: an index doesn't take changes; nothing was changed.
            JournalMissing: there is no journal.
        """
        require_writable(self.es, sorted({found.index for found in findings.documents}))
        journal = Journal(self.es)
        operation = journal.begin("forget")
        earlier = self.forgotten.run_of(self.digest)
        resumed = earlier is not None and not earlier.done
        self.run = earlier if earlier and resumed else Run(self.digest, operation.id)
        self._require_open()
        self.operation = replace(operation, id=self.run.operation)
        self.journal = journal
        self.vectors = findings.vectors
        self.run.add(list(findings.documents))
        self.forgotten.keep(self.run)

    def remove(self, findings: Findings) -> Iterator[Removed]:
        """Each document, once it has lost what goes."""
        remover = Remover(
            self.es, self.scope, self.forgotten, self.subject, self.run.operation, self.allow_again
        )
        for again in range(ROUNDS):
            self.problems = []
            for removed in remover.remove(list(findings.documents)):
                if removed.problem:
                    self.problems.append(removed)
                if not again or not removed.problem:
                    yield removed
            refresh(self.es, self.scope)
            findings = find(self.es, self.scope, self.subject)
            if not findings.documents:
                return
            self.run.add(list(findings.documents))
            self.forgotten.keep(self.run)

    def blank_journal(self) -> int:
        """How many of its entries have lost the name, or the document or face that is gone."""
        gone = (self.run.deleted, self.run.faces)
        if about := entries_about(self.es, *gone):
            self.run.entries += about
            self.forgotten.keep(self.run)
            blank_documents(self.es, *gone)
        if self.subject.name and (naming := entries_naming(self.es, self.subject.name)):
            self.run.entries += naming
            self.forgotten.keep(self.run)
            blank_names(self.es, self.subject.name)
        return self.run.entries

    def expunge(self, wait: float) -> Iterator[Expunged]:
        """Each index whose segments were rewritten.

        Args:
            wait: seconds for the leases.
        """
        journals = sorted(self.es.indices.get_alias(name=JOURNAL)) if self.run.entries else []
        there = [index for index in self.run.indices if self.es.indices.exists(index=index)]
        for one in expunge(self.es, [*there, *journals], wait):
            self.expunged.append(one)
            yield one
        self.is_expunged = True

    def prove(self) -> list[Check]:
        merged = [one.index for one in self.expunged]
        self.checks = list(prove(self.es, self.scope, self.subject, self.run, self.vectors, merged))
        return self.checks

    @property
    def is_proved(self) -> bool:
        return not self.problems and not any(check.found for check in self.checks)

    def finish(self) -> None:
        """Writes the audit line: who, when, how many documents and faces of each index; of whom only the
        keyed hash. The run stays open until it is proved and nothing is left in the segments."""
        self.journal.write(
            Decision(self.operation, index, EVERYWHERE, None, {}, {**counts, "subject": self.digest})
            for index, counts in self.counts().items()
        )
        self.run.done = self.is_proved and (self.is_expunged or not self.run.indices)
        self.forgotten.keep(self.run)

    def _require_open(self) -> None:
        """Those that an earlier try changed, too, as their segments are still to be rewritten."""
        for index in self.run.indices:
            if index in self.scope.closed:
                raise NotWritable(
                    f"[{index}] was closed meanwhile, and its segments still have what was forgotten: open "
                    f"it (POST /{index}/_open) and run this again"
                )

    def counts(self) -> dict[str, dict[str, Any]]:
        """Index -> numbers of deleted documents, changed documents, and faces that are gone."""
        run = self.run
        return {
            index: {
                "deleted": len(run.deleted.get(index, ())),
                "changed": len(run.blanked.get(index, ())),
                "faces": sum(face[0] == index for face in run.faces),
            }
            for index in run.indices
        }


def refresh(es: Elasticsearch, scope: Scope) -> None:
    """Lets searches see what was stored or changed."""
    for index in scope.indices:
        es.indices.refresh(index=index)
