"""What would be forgotten, before anything is: for a person to look at, and to confirm."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from elasticsearch import Elasticsearch

from faces.erasure.finding import Findings, find
from faces.erasure.forgetting import Forgetting
from faces.erasure.forgotten import Forgotten, Run
from faces.erasure.journal_names import entries_naming
from faces.erasure.keyed_hashes import KeyedHashes
from faces.erasure.scope import Scope
from faces.erasure.similar import SimilarFace, similar_faces
from faces.erasure.subject import Subject


@dataclass(frozen=True)
class ForgetPlan:
    """
    digest: the keyed hash of what was given; empty without a key.
    forgotten: None without a key: then it can't be carried out.
    run: of the same, earlier.
    similar: unnamed faces like the person, to be confirmed.
    entries: of the journal, which name the person.
    """

    es: Elasticsearch
    scope: Scope
    subject: Subject
    digest: str
    forgotten: Forgotten | None
    run: Run | None
    findings: Findings
    similar: list[SimilarFace]
    entries: int

    @classmethod
    def of(
        cls, es: Elasticsearch, scope: Scope, hashes: KeyedHashes | None, subject: Subject, digest: str
    ) -> ForgetPlan:
        forgotten = Forgotten(es, hashes) if hashes else None
        run = forgotten.run_of(digest) if forgotten else None
        if run and not run.done:
            subject = run.rest_of(subject)
        findings = find(es, scope, subject)
        similar = similar_faces(es, scope, findings, subject)
        entries = entries_naming(es, subject.name) if subject.name else 0
        return cls(es, scope, subject, digest, forgotten, run, findings, similar, entries)

    @property
    def is_unfinished(self) -> bool:
        return self.run is not None and not self.run.done

    @property
    def is_empty(self) -> bool:
        return not (self.findings.documents or self.entries or self.is_unfinished)

    def also(self, faces: Collection[SimilarFace]) -> ForgetPlan:
        """With those of the unnamed faces that somebody confirmed."""
        if not faces:
            return self
        subject = self.subject.and_also(one.face.key for one in faces)
        return replace(self, subject=subject, findings=find(self.es, self.scope, subject))

    def forgetting(self, allow_again: bool = False) -> Forgetting:
        """What carries it out."""
        assert self.forgotten
        return Forgetting(self.es, self.scope, self.forgotten, self.subject, self.digest, allow_again)
