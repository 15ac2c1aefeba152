"""Portraits for the gallery: each shows one face of a person, and is stored once, whoever sends it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from elasticsearch.helpers import streaming_bulk

from es_setup.failures import innermost
from faces.decisions.changing import change
from faces.decisions.documents import Document, source_of
from faces.decisions.entries import Decision, Operation
from faces.decisions.journal import Journal, Written
from faces.decisions.state import State
from faces.gallery.people import Gallery
from faces.indexing.sending import BULK_BYTES, BULK_PHOTOS, RETRIES

REMEDIES = {
    "no_face": "send a photo that shows the face from the front, or leave this one out",
    "several_faces": "enrol one of its faces: `faces enroll PHOTO --face N --name NAME`",
}
"""Code of a portrait that can't be one -> what to do."""


class Outcome(Enum):
    """What became of a portrait."""

    ENROLLED = "enrolled"
    """The gallery has it now."""
    CHANGED = "changed"
    """The gallery had it, without the name or a tag."""
    UNCHANGED = "unchanged"
    FAILED = "failed"
    """It isn't in the gallery, or is somebody else's there."""


@dataclass(frozen=True)
class Enrolled:
    """
    source: what was to be enrolled: a file's name, or a face's id.
    id: of the portrait's document; reason: why it failed; code: of the photo's error, if that is why.
    """

    source: str
    name: str
    outcome: Outcome
    id: str | None = None
    reason: str | None = None
    code: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "name": self.name,
            "outcome": self.outcome.value,
            "id": self.id,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class NewPortrait:
    """A portrait that may be in the gallery already.

    source, name: as `Enrolled`.
    id: of its document, if that is new.
    face_id: by which it is found again, whatever its document's id.
    """

    source: str
    name: str
    id: str
    face_id: str

    def failed(self, reason: str, code: str | None = None) -> Enrolled:
        return Enrolled(self.source, self.name, Outcome.FAILED, reason=reason, code=code)

    def became(self, outcome: Outcome, key: str | None = None) -> Enrolled:
        return Enrolled(self.source, self.name, outcome, key or self.id)


Body = Callable[[NewPortrait, dict[str, Any]], dict[str, Any]]
"""The document to send for a portrait with these fields of the sender, ``person`` and ``tags``; raises
OSError if its file can't be read."""


@dataclass
class Enrolment:
    """One run of a command.

    operation: None in a dry run, which changes nothing.
    tags: for each portrait.
    """

    gallery: Gallery
    journal: Journal
    operation: Operation | None
    tags: Sequence[str] = ()
    _seen: dict[str, str] = field(default_factory=dict)

    def enrol(self, portraits: Iterable[NewPortrait], body: Body) -> Iterator[Enrolled]:
        """Adds those that the gallery lacks, and says what became of each.

        Raises:
            JournalMissing, JournalNotWritten: nothing more was sent.
        """
        unique = []
        for portrait in portraits:
            if portrait.face_id not in self._seen:
                self._seen[portrait.face_id] = portrait.name
                unique.append(portrait)
            elif self._seen[portrait.face_id] == portrait.name:
                yield portrait.became(Outcome.UNCHANGED)
            else:
                yield portrait.failed(
                    f"the same photo is [{self._seen[portrait.face_id]}]'s here: whose is it?"
                )
        known = self._known([portrait.face_id for portrait in unique])
        new = []
        for portrait in unique:
            if portrait.face_id in known:
                yield self._settled(portrait, known[portrait.face_id])
            else:
                new.append(portrait)
        yield from self._add(new, body)

    def is_known(self, face_id: str) -> bool:
        return bool(self._known([face_id]))

    def _known(self, face_ids: Sequence[str]) -> dict[str, Document]:
        """The portraits that are there, by the face's id."""
        where, at = self.gallery.where, self.gallery.field.at
        hits = self.gallery.es.search(
            index=where.name,
            query={"bool": {"filter": [self.gallery.portraits, {"terms": {at("face.id"): list(face_ids)}}]}},
            size=max(1, 2 * len(face_ids)),
            source=source_of(where),
            seq_no_primary_term=True,
            track_total_hits=False,
        )["hits"]["hits"]
        documents = [Document.of(hit, where) for hit in hits]
        return {str(document.faces[0].get("id")): document for document in documents if document.faces}

    def _settled(self, portrait: NewPortrait, there: Document) -> Enrolled:
        """A portrait that the gallery has: it gets the tags that it lacks, and the name if it has none."""
        if there.names and there.names != [portrait.name]:
            whose = ", ".join(f"[{name}]" for name in there.names)
            return portrait.failed(
                f"portrait [{there.id}] shows the same face and is {whose}'s: `faces rename`, if it is the "
                f"same person, or `faces gallery remove {there.id}`"
            )
        if there.names and set(self.tags) <= set(there.tags):
            return portrait.became(Outcome.UNCHANGED, there.id)
        if self.operation is None:
            return portrait.became(Outcome.CHANGED, there.id)

        def edit(document: Document) -> None:
            document.set_name(portrait.name)
            document.set_tags([*document.tags, *self.tags])

        es, where = self.gallery.es, self.gallery.where
        (changed,) = change(es, self.journal, self.operation, where, [there.key], edit)
        if changed.outcome == "failed":
            return portrait.failed(str(changed.reason))
        return portrait.became(Outcome(changed.outcome), there.id)

    def _add(self, portraits: Sequence[NewPortrait], body: Body) -> Iterator[Enrolled]:
        if self.operation is None:
            yield from (portrait.became(Outcome.ENROLLED) for portrait in portraits)
            return
        written = self.journal.write(self._decision(self.operation, one) for one in portraits)
        index = self._write_index()
        by_id = {portrait.id: portrait for portrait in portraits}
        unreadable: list[Enrolled] = []

        def actions() -> Iterator[dict[str, Any]]:
            for portrait in portraits:
                try:
                    document = body(portrait, self._said(portrait))
                except OSError as error:
                    unreadable.append(portrait.failed(f"the file can't be read: {error.strerror or error}"))
                    continue
                yield {"_op_type": "create", "_index": index, "_id": portrait.id, "_source": document}

        answers = streaming_bulk(
            self.gallery.es,
            actions(),
            chunk_size=BULK_PHOTOS,
            max_chunk_bytes=BULK_BYTES,
            raise_on_error=False,
            raise_on_exception=False,
            refresh=True,
            **RETRIES,
        )
        sent: dict[str, str | None] = {}
        for ok, answer in answers:
            item = answer["create"]
            sent[item["_id"]] = None if ok else _refusal(item)
        errors = self._errors([key for key, refused in sent.items() if refused is None])
        for key, refused in sent.items():
            if refused is not None:
                yield by_id[key].failed(refused)
            elif error := errors.get(key):
                yield by_id[key].failed(explained(*error), error[0])
            else:
                yield by_id[key].became(Outcome.ENROLLED)
        yield from unreadable
        enrolled = {key for key, refused in sent.items() if not (refused or errors.get(key))}
        self._withdraw(written, [one for one in by_id if one not in enrolled])

    def _said(self, portrait: NewPortrait) -> dict[str, Any]:
        tags = {"tags": list(self.tags)} if self.tags else {}
        return {"person": {"name": portrait.name}, **tags}

    def _decision(self, operation: Operation, portrait: NewPortrait) -> Decision:
        after: State = {"name": portrait.name, **({"tags": sorted(self.tags)} if self.tags else {})}
        return Decision(operation, self._write_index(), portrait.id, None, {}, after)

    def _errors(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Code and message of portraits that were just stored and can't be any, by id; they are deleted."""
        if not keys:
            return {}
        es, index, error = self.gallery.es, self._write_index(), self.gallery.field.at("error")
        found = es.mget(index=index, ids=list(keys), source_includes=[error])["docs"]
        errors = {}
        for one in found:
            stored = one.get("_source", {}).get(error)
            if stored:
                version = {"if_seq_no": one["_seq_no"], "if_primary_term": one["_primary_term"]}
                es.delete(index=index, id=one["_id"], refresh=True, **version)
                errors[one["_id"]] = (stored["code"], stored["message"])
        return errors

    def _withdraw(self, written: Written, keys: Sequence[str]) -> None:
        index = self._write_index()
        self.journal.withdraw(written, written.about([(index, key) for key in keys]))

    def _write_index(self) -> str:
        """The index that takes new portraits."""
        indices = self.gallery.es.indices.get_alias(index=self.gallery.name)
        if self.gallery.name in indices or len(indices) == 1:
            return str(next(iter(indices)))
        written = (
            index
            for index, found in indices.items()
            if found["aliases"].get(self.gallery.name, {}).get("is_write_index")
        )
        return str(next(written, self.gallery.name))


def explained(code: str, message: str) -> str:
    """Why a photo is no portrait, and what to do."""
    return f"[{code}] {message}" + (f": {REMEDIES[code]}" if code in REMEDIES else "")


def _refusal(item: dict[str, Any]) -> str:
    if item.get("status") == 409:
        return (
            f"the gallery has another document [{item['_id']}]: look at it, and remove it if it is nobody's"
        )
    return innermost(item.get("error", item.get("exception", "unknown")))
