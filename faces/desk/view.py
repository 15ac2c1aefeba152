"""A stored photo as the desk shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from faces.boxes import Box
from faces.decisions.derived import is_unnamed
from faces.decisions.documents import Document, face_id, of_keys
from faces.desk.crops import FaceId
from faces.names import all_names
from faces.refusals import PHOTO
from faces.searchable import Searchable, below
from ingest_service.data_uris import photo_bytes
from ingest_service.errors import FaceServiceError

OF_A_FACE = ("id", "box", "label", "not", "ignored", "drawn", "match", "candidates", "group", "crop")
OF_A_PHOTO = (
    *("thumbnail", "photo", "face_count", "model.id", "@timestamp", "error"),
    *(f"faces.{name}" for name in OF_A_FACE),
    *(f"face.{name}" for name in OF_A_FACE),
)
SENT = ("person*", "tags", "file*", "url*", "observer*", "@timestamp")
MOST_BYTES = 100_000_000


@dataclass(frozen=True)
class ViewedFace:
    """
    label: who a person said it is; guess: whom the machine takes it for.
    """

    id: FaceId
    position: int
    box: Box | None
    crop: str | None
    label: str | None
    guess: str | None
    similarity: float | None
    rejected: tuple[str, ...]
    is_ignored: bool
    is_drawn: bool
    is_unnamed: bool
    group: str | None

    @property
    def who(self) -> str:
        if self.label:
            return self.label
        if self.is_ignored:
            return "ignored"
        return f"{self.guess}?" if self.guess else "unknown"


@dataclass(frozen=True)
class ViewedPhoto:
    """
    size: width and height in pixels, upright; None if they aren't stored.
    original: where the sender says the original is, if that is an address of the web.
    """

    document: Document
    faces: tuple[ViewedFace, ...]
    size: tuple[int, int] | None
    thumbnail: str | None
    original: str | None
    observer: str | None
    date: str | None
    problem: str | None

    @property
    def index(self) -> str:
        return self.document.index

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def name(self) -> str:
        return self.document.path.rpartition("/")[2] or self.document.path


def viewed(es: Elasticsearch, where: Searchable, index: str, key: str) -> ViewedPhoto | None:
    """None if there is no such document."""
    ours = {field.at(name) for field in where.fields for name in OF_A_PHOTO}
    hits = es.search(
        index=where.name,
        query=of_keys([(index, key)]),
        size=1,
        source={"includes": sorted({*ours, *SENT})},
        seq_no_primary_term=True,
        track_total_hits=False,
    )["hits"]["hits"]
    return _viewed(Document.of(hits[0], where)) if hits else None


def _viewed(document: Document) -> ViewedPhoto:
    photo = document.get("photo") or {}
    sides = [int(photo.get(side) or 0) for side in ("width", "height")]
    error = document.get("error") or {}
    return ViewedPhoto(
        document=document,
        faces=tuple(_face(document, face, place) for place, face in enumerate(document.faces)),
        size=(sides[0], sides[1]) if all(sides) else None,
        thumbnail=document.get("thumbnail"),
        original=_address(below(document.source, "url.original")),
        observer=next(iter(all_names(below(document.source, "observer.name"))), None),
        date=document.get("@timestamp") or below(document.source, "@timestamp"),
        problem=str(error["message"]) if isinstance(error, dict) and error.get("message") else None,
    )


def _face(document: Document, face: dict[str, Any], place: int) -> ViewedFace:
    match = face.get("match") or {}
    return ViewedFace(
        id=FaceId(*document.key, face_id(face, place)),
        position=place,
        box=Box.of(face.get("box")),
        crop=face.get("crop"),
        label=document.label_of(face),
        guess=next(iter(all_names(match.get("name"))), None),
        similarity=match.get("similarity"),
        rejected=tuple(document.not_of(face)),
        is_ignored=document.is_ignored(face),
        is_drawn=face.get("drawn") is True,
        is_unnamed=is_unnamed(document, face),
        group=document.group_of(face),
    )


def _address(value: object) -> str | None:
    """A link that somebody may follow: of the web, and nothing that runs."""
    if not isinstance(value, str):
        return None
    try:
        return value if urlsplit(value).scheme in ("http", "https") else None
    except ValueError:
        return None


def kept_photo(es: Elasticsearch, where: Searchable, photo: ViewedPhoto) -> bytes | None:
    """The photo's bytes, if the document keeps them."""
    field = where.recorded[photo.index].get("field", PHOTO)
    found = es.get(
        index=photo.index, id=photo.id, routing=photo.document.routing, source_includes=[field]
    ).get("_source", {})
    try:
        return photo_bytes(found.get(field, below(found, field)), MOST_BYTES)
    except FaceServiceError:
        return None
