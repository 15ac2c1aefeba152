"""Which face a user means: by a photo's file, a document's or a face's id, or a photo's path or name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from faces.boxes import in_words
from faces.decisions.documents import Document, Key, of_keys, source_of
from faces.names import all_names, spellings
from faces.photo_hashes import of_content
from faces.photos import sha256_of
from faces.searchable import FaceField, Searchable, below, refresh
from ingest_service.errors import UserError, WrongArguments

AT_MOST = 100
"""Documents of one photo, or of one name, that are looked at."""


class NoSuchFace(UserError):
    """No photo or face is meant; the message says what to do."""


class NoSuchPosition(WrongArguments):
    """The photo has fewer faces; the message says how many."""


class SeveralFaces(WrongArguments):
    """Several faces or photos may be meant: the message lists them, and how to name one."""


@dataclass(frozen=True)
class Chosen:
    """A face of a document.

    position: in the document, largest first, from 0.
    """

    document: Document
    position: int

    @property
    def face(self) -> dict[str, Any]:
        return self.document.faces[self.position]


def chosen(
    es: Elasticsearch, where: Searchable, text: str, face: int | None = None, option: str = "--face"
) -> list[Chosen]:
    """The face that is meant: once for each document of the same photo, as archive and probes may both have
    it.

    Args:
        text: a file, which is known by its content; the ``_id`` of a document; the id of a face; the path or
            the name of a photo, as they are stored.
        face: its position in the photo, largest first, from 0. Needed if there are several.
        option: that says the position.

    Raises:
        NoSuchFace: no such photo, or no face in it.
        NoSuchPosition: the photo has fewer faces.
        SeveralFaces: several faces, and no position; or several photos of this name.
    """
    documents = documents_of(es, where, text)
    own = [
        Chosen(document, position)
        for document in documents
        for position, entry in enumerate(document.faces)
        if str(entry.get("id")) == text
    ]
    if own and face is None:
        return own
    with_faces = [document for document in documents if document.faces]
    if not with_faces:
        raise NoSuchFace(f"[{text}] has no face in [{where.name}]{_errors(documents)}")
    if face is None:
        for document in with_faces:
            if len(document.faces) > 1:
                raise SeveralFaces(_several(text, document, option))
        return [Chosen(document, 0) for document in with_faces]
    if any(face >= len(document.faces) for document in with_faces):
        count = min(len(document.faces) for document in with_faces)
        raise NoSuchPosition(f"[{text}] has no face {face}: it has {count}, the largest is face 0")
    return [Chosen(document, face) for document in with_faces]


def documents_of(es: Elasticsearch, where: Searchable, text: str) -> list[Document]:
    """The documents of the photo that is meant, as `chosen`.

    Raises:
        NoSuchFace: there are none.
        SeveralFaces: different photos have this name.
    """
    if not text.strip():
        raise NoSuchFace("the photo's name is empty: name a file, an id or a path")
    refresh(es, where)
    path = Path(text)
    if is_file(path):
        found = _found(es, where, of_content(where, [sha256_of(path)]))
        if not found:
            raise NoSuchFace(
                f"[{where.name}] doesn't have the photo [{text}]: add it with `faces index FOLDER`"
            )
        return found
    for query in (_of_id(where, text), _of_file("file.path", text), _of_file("file.name", text)):
        found = _found(es, where, query)
        if len({_content(document) for document in found}) > 1:
            raise SeveralFaces(_several_photos(text, found))
        if found:
            return found
    raise NoSuchFace(
        f"[{where.name}] has no photo or face [{text}], by file, id, path or name: add photos with `faces "
        "index FOLDER`"
    )


def copies_of(es: Elasticsearch, where: Searchable, key: Key) -> list[Document]:
    """A document, and the others of the same photo.

    Raises:
        NoSuchFace: it is gone.
    """
    found = _found(es, where, of_keys([key]))
    if not found:
        raise NoSuchFace(f"[{key[1]}] was deleted meanwhile")
    sha256 = found[0].get("file.hash.sha256")
    return _found(es, where, of_content(where, [str(sha256)])) if sha256 else found


def with_faces_of(es: Elasticsearch, where: Searchable, ids: Collection[str]) -> list[Document]:
    """The documents that have a face with one of these ids: of one photo, archive and probes may both have a
    document."""
    query = {"bool": {"should": [_of_face(field, one) for field in where.fields for one in ids]}}
    return _found(es, where, query, size=AT_MOST * max(1, len(ids))) if ids else []


def described(face: dict[str, Any], document: Document) -> str:
    """Who a face is, as people said, and where on the photo."""
    box = face.get("box") or {}
    where = in_words(box) if box else "no box"
    guess = (face.get("match") or {}).get("name")
    who = document.label_of(face) or (f"guess: {guess}" if guess else "-")
    return f"{who}, {where}{', ignored' if document.is_ignored(face) else ''}"


def is_file(path: Path) -> bool:
    """Whether a text that a user gave is the path of a file."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name that no file can have.
        return False


def _found(
    es: Elasticsearch, where: Searchable, query: dict[str, Any], size: int = AT_MOST
) -> list[Document]:
    hits = es.search(
        index=where.name,
        query={"bool": {"filter": [{"terms": {"_index": list(where.recorded)}}, query]}},
        size=size,
        source=source_of(where),
        seq_no_primary_term=True,
        track_total_hits=False,
        allow_partial_search_results=False,
    )["hits"]["hits"]
    return sorted((Document.of(hit, where) for hit in hits), key=lambda document: document.key)


def _of_id(where: Searchable, text: str) -> dict[str, Any]:
    return {"bool": {"should": [{"ids": {"values": [text]}}, *(_of_face(one, text) for one in where.fields)]}}


def _of_face(field: FaceField, text: str) -> dict[str, Any]:
    if not field.nested:
        return {"term": {field.at("face.id"): text}}
    of_face = {"term": {field.at("faces.id"): text}}
    return {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": of_face}}


def _of_file(name: str, text: str) -> dict[str, Any]:
    return {"terms": {name: spellings(text)}}


def _content(document: Document) -> str:
    """What is the same in all documents of one photo."""
    return str(document.get("file.hash.sha256") or document.key)


def _errors(documents: list[Document]) -> str:
    codes = {str(below(document.source, document.field.at("error.code"))) for document in documents} - {
        "None"
    }
    return f": {', '.join(sorted(codes))}" if codes else ""


def _several(text: str, document: Document, option: str) -> str:
    lines = (f"face {position}: {described(face, document)}" for position, face in enumerate(document.faces))
    count = len(document.faces)
    return "\n".join(
        [f"[{text}] has {count} faces: name one by {option}, largest first, from 0, or by its id", *lines]
    )


def _several_photos(text: str, documents: list[Document]) -> str:
    def lines() -> Iterator[str]:
        for document in documents:
            paths = all_names(below(document.source, "file.path"))
            yield f"[{document.id}] in [{document.index}]{': ' + ', '.join(paths) if paths else ''}"

    return "\n".join([f"several photos are called [{text}]: name one by its id or its path", *lines()])
