"""Finds what goes if a person or a photo is forgotten, in every index, and lists it before anything goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.documents import Key, face_id
from faces.decisions.renaming import standing
from faces.erasure.fields import get
from faces.erasure.scope import Scope
from faces.erasure.subject import Place, Subject, Treatment, treatment_of
from faces.names import spellings
from faces.pages import count_of, every_hit
from faces.searchable import FaceField

PICTURES = ("thumbnail", "faces.crop", "face.crop")
"""Not read while finding."""
SENT = "person.sent_name"
AT_ONCE = 100
VECTORS = 100
"""By at most as many of the person's faces, of each model, others like them are looked for."""


@dataclass(frozen=True)
class FoundFace:
    """A face, for a person to recognize it.

    position: in the document, from 0; of: how many faces that has.
    """

    index: str
    document: str
    path: str
    id: str
    position: int
    of: int

    @property
    def key(self) -> tuple[Key, str]:
        return (self.index, self.document), self.id

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.document,
            "path": self.path,
            "face": {"id": self.id, "position": self.position, "of": self.of},
        }


@dataclass(frozen=True)
class Found:
    """A document that goes, or changes.

    version: ``if_seq_no`` and ``if_primary_term`` of what was read; routing: if it has one.
    faces: those that go; all of its own if it is deleted.
    sha256, picture_hash: of its photo, if stored.
    """

    index: str
    document: str
    version: tuple[int, int]
    routing: str | None
    path: str
    portrait: bool
    treatment: Treatment
    faces: tuple[FoundFace, ...]
    sha256: str | None
    picture_hash: str | None

    @property
    def key(self) -> Key:
        return self.index, self.document

    @property
    def what(self) -> str:
        """``document``, ``face`` or ``name``: what goes of it."""
        return "document" if self.treatment.delete else "face" if self.faces else "name"

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.document,
            "path": self.path,
            "goes": self.what,
            "faces": [face.id for face in self.faces],
            "names_in": list(self.treatment.names),
        }


@dataclass(frozen=True)
class Findings:
    """
    vectors: model -> vectors of faces that go, at most `VECTORS`.
    """

    documents: tuple[Found, ...]
    vectors: dict[str, list[list[float]]]

    @property
    def faces(self) -> list[FoundFace]:
        return [face for found in self.documents for face in found.faces]


def find(es: Elasticsearch, scope: Scope, subject: Subject) -> Findings:
    """Everything that is the subject or names it. Searches see what was stored before: refresh first."""
    documents: list[Found] = []
    vectors: dict[str, list[list[float]]] = {}
    naming = _naming(es, scope, subject.name) if subject.name else None
    for index, field in scope.fields():
        for hit in _hits(es, scope, index, field, subject, naming):
            place, path = _place(hit, field)
            treatment = treatment_of(place, subject)
            if not treatment.is_needed:
                continue
            positions = range(len(place.faces)) if treatment.delete else treatment.faces
            going = [(at, place.faces[at]) for at in positions if "vector" in place.faces[at]]
            own = vectors.setdefault(str(place.at("model.id") or ""), [])
            own += [face["vector"] for _, face in going][: VECTORS - len(own)]
            faces = [_found_face(place, path, at) for at in positions if _has_face(place, at)]
            documents.append(
                Found(
                    *place.key,
                    (hit["_seq_no"], hit["_primary_term"]),
                    hit.get("_routing"),
                    path,
                    not field.nested,
                    treatment,
                    tuple(faces),
                    place.at("file.hash.sha256") or get(place.source, "file.hash.sha256"),
                    get(place.source, "file.picture_hash"),
                )
            )
    documents.sort(key=lambda found: (found.index, found.path, found.document))
    return Findings(tuple(documents), {model: some for model, some in vectors.items() if some})


def ids_of(es: Elasticsearch, scope: Scope, wanted: str) -> Subject:
    """What an id stands for: a document of this ``_id``, or a face with this ``faces.id``."""
    documents, faces = set(), set()
    for index, field in scope.fields():
        own: dict[str, Any] = {"term": {field.at("faces.id" if field.nested else "face.id"): wanted}}
        if field.nested:
            own = {"nested": {"path": field.at("faces"), "query": own, "ignore_unmapped": True}}
        query = {"bool": {"should": [{"ids": {"values": [wanted]}}, own]}}
        for hit in every_hit(es, index, query, **_reading(scope, index, field)):
            place, _ = _place(hit, field)
            if place.key[1] == wanted:
                documents.add(place.key)
            else:
                faces |= {
                    (place.key, wanted) for at, face in enumerate(place.faces) if face_id(face, at) == wanted
                }
    return Subject(documents=frozenset(documents), faces=frozenset(faces))


def with_content(es: Elasticsearch, scope: Scope, sha256: str) -> Subject:
    """The documents of a photo: by the hash of its content, or the id that `faces index` made of it."""
    documents = set()
    for index, field in scope.fields():
        hashed = [{"term": {name: sha256}} for name in {"file.hash.sha256", field.at("file.hash.sha256")}]
        query = {"bool": {"should": [*hashed, {"ids": {"values": [sha256[:20], sha256[20:40]]}}]}}
        for hit in every_hit(es, index, query, source=False):
            documents.add((hit["_index"], hit["_id"]))
    return Subject(documents=frozenset(documents))


def _hits(
    es: Elasticsearch,
    scope: Scope,
    index: str,
    field: FaceField,
    subject: Subject,
    naming: dict[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    wanted = {key for key, _ in subject.faces} | subject.documents
    ids = sorted({document for where, document in wanted if where == index})
    queries = [*([{"ids": {"values": ids}}] if ids else []), *([naming] if naming else [])]
    if queries:
        yield from every_hit(
            es,
            index,
            {"bool": {"should": queries}},
            size=AT_ONCE,
            seq_no_primary_term=True,
            **_reading(scope, index, field),
        )


def ids_with(es: Elasticsearch, index: str, ids: list[str]) -> int:
    """How many documents of an index have one of these ids."""
    some = (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
    return sum(count_of(es, index, {"ids": {"values": each}}) for each in some)


def _naming(es: Elasticsearch, scope: Scope, name: str) -> dict[str, Any]:
    """A query for documents that may name a person, also by a name that somebody has corrected."""
    top = {one for field in scope.where.fields for one in (field.at("person.name"), field.at(SENT), SENT)}
    terms = [{"terms": {one: spellings(name)}} for one in sorted(top)]
    return {"bool": {"should": [standing(es, scope.where, name), *terms]}}


def _reading(scope: Scope, index: str, field: FaceField) -> dict[str, Any]:
    pictures = [*map(field.at, PICTURES), scope.image_field(index)]
    return {
        "source": {"excludes": pictures, "exclude_vectors": False},
        "fields": ["file.path"],
    }


def _place(hit: dict[str, Any], field: FaceField) -> tuple[Place, str]:
    path = str(next(iter(hit.get("fields", {}).get("file.path", [])), hit["_id"]))
    return Place((hit["_index"], hit["_id"]), hit["_source"], field), path


def _has_face(place: Place, position: int) -> bool:
    """A portrait that failed has no face."""
    face = place.faces[position]
    return "vector" in face or bool(face.get("id"))


def _found_face(place: Place, path: str, position: int) -> FoundFace:
    id = face_id(place.faces[position], position)
    return FoundFace(*place.key, path, id, position, len(place.faces))
