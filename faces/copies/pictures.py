"""What copies of a photo are recognized by, and the photos of an index with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from faces.copies.fingerprints import FINGERPRINT, hexadecimal
from faces.copies.overlap import Miniature
from faces.copies.placement import Points
from faces.decisions.documents import Document
from faces.names import all_names
from faces.pages import every_hit
from faces.photo_faces import PhotoFaces
from faces.photo_hashes import SHA256
from faces.searchable import Searchable, below

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
OF_A_PHOTO = (FINGERPRINT, "photo.width", "photo.height", SHA256, "error.code")
OF_A_PICTURE = ("thumbnail", "model.id", "vector")
OF_A_FACE = ("vector", "landmarks")
"""What the processor writes, below the target."""
SENT = ("file.path", "file.name", SHA256)
"""At the top of a document whatever its target is."""
SHOWN = ("file.size", "photo.taken", "@timestamp")
"""As fields, below the target or at the top."""
AT_ONCE = 50
"""Photos in one answer: with vectors and a thumbnail, each has about 20 kB."""


@dataclass(frozen=True)
class PlacedFace:
    """vector: (dims,), of length 1; landmarks: (5, 2), in the order of ``LANDMARKS``."""

    vector: NDArray[np.float32]
    landmarks: Points


@dataclass(frozen=True)
class Picture:
    """What is known of a picture; None and 0 where it isn't.

    width, height: in pixels of the upright photo.
    fingerprint: in hexadecimal.
    faces: those with a vector of ``model`` and all landmarks.
    thumbnail: base64 JPEG.
    """

    sha256: str | None
    fingerprint: str | None
    width: int
    height: int
    model: str | None = None
    faces: tuple[PlacedFace, ...] = dataclasses.field(default=(), repr=False)
    thumbnail: str | None = dataclasses.field(default=None, repr=False)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @cached_property
    def miniature(self) -> Miniature | None:
        """None without a thumbnail."""
        return Miniature.of(self.thumbnail, self.width, self.height)

    @property
    def dimensions(self) -> str:
        return f"{self.width} x {self.height}" if self.pixels else "-"

    @classmethod
    def of_found(cls, found: PhotoFaces) -> Picture:
        """Of a photo that isn't stored."""
        return cls(
            sha256=str(found.file["hash"]["sha256"]),
            fingerprint=found.photo.get("fingerprint"),
            width=int(found.photo.get("width", 0)),
            height=int(found.photo.get("height", 0)),
            model=found.model_id,
            faces=tuple(_placed(found.faces)),
            thumbnail=found.thumbnail,
        )

    @classmethod
    def of_document(cls, document: Document) -> Picture:
        """
        Args:
            document: read with the source of `photos`.
        """
        sha256 = document.get(SHA256) or below(document.source, SHA256)
        faces = document.faces
        if document.is_portrait:
            faces = [face | {"vector": document.get("vector")} for face in faces]
        model, thumbnail = document.get("model.id"), document.get("thumbnail")
        return cls(
            sha256=sha256 if isinstance(sha256, str) else None,
            fingerprint=hexadecimal(document.get(FINGERPRINT)),
            width=int(document.get("photo.width") or 0),
            height=int(document.get("photo.height") or 0),
            model=model if isinstance(model, str) else None,
            faces=tuple(_placed(faces)),
            thumbnail=thumbnail if isinstance(thumbnail, str) else None,
        )


@dataclass(frozen=True)
class PictureDocument:
    """A document of a photo.

    paths: of its files; several if ``faces index`` found the same content there.
    size: of its file in bytes; 0 if that isn't known.
    date: when it was taken by EXIF, else its ``@timestamp``, in ISO 8601.
    error: the code, if the photo couldn't be read.
    """

    index: str
    id: str
    paths: tuple[str, ...]
    url: str | None
    size: int
    date: str | None
    error: str | None
    picture: Picture

    @property
    def key(self) -> tuple[str, str]:
        return self.index, self.id

    @property
    def path(self) -> str:
        """Of all its files; the id where none was sent."""
        return ", ".join(self.paths) or self.id

    @property
    def order(self) -> tuple[Any, ...]:
        """By which the largest picture comes first, of equal ones the earliest."""
        return -self.picture.pixels, self.date is None, self.date or "", self.key

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.id,
            "path": self.paths[0] if self.paths else None,
            "paths": list(self.paths),
            "url": self.url,
            "width": self.picture.width or None,
            "height": self.picture.height or None,
            "bytes": self.size or None,
            "date": self.date,
        }


def photos(
    es: Elasticsearch, where: Searchable, query: dict[str, Any], pictures: bool = True
) -> Generator[PictureDocument, None, None]:
    """All photos that ``query`` finds, in no particular order, by pages.

    Args:
        pictures: with faces and thumbnails.
    """
    for hit in every_hit(
        es,
        where.name,
        {"bool": {"filter": [{"terms": {"_index": sorted(where.recorded)}}, query]}},
        size=AT_ONCE,
        source={"includes": _source(where, pictures), "exclude_vectors": False},
        fields=[{"field": name} for name in _shown(where)],
        seq_no_primary_term=True,
    ):
        yield _indexed(hit, where)


def _source(where: Searchable, pictures: bool) -> list[str]:
    names = set(SENT)
    for field in where.fields:
        # The id tells where an index with several fields has the faces of this document.
        of_a_face = ("id", *(OF_A_FACE if pictures else ()))
        of_a_photo = (*OF_A_PHOTO, *(OF_A_PICTURE if pictures else ()))
        holder = "faces" if field.nested else "face"
        names |= {field.at(name) for name in (*of_a_photo, *(f"{holder}.{one}" for one in of_a_face))}
    return sorted(names)


def _shown(where: Searchable) -> list[str]:
    return sorted({field.at(name) for field in where.fields for name in SHOWN} | {*SHOWN, "url.original"})


def _indexed(hit: dict[str, Any], where: Searchable) -> PictureDocument:
    document, found = Document.of(hit, where), hit.get("fields", {})

    def first(name: str) -> Any:
        """Of what the processor writes; else of what the sender did."""
        values = found.get(document.field.at(name)) or found.get(name) or [None]
        return values[0]

    paths = all_names(below(document.source, "file.path")) or all_names(below(document.source, "file.name"))
    date = first("photo.taken") or first("@timestamp")
    url, error = first("url.original"), document.get("error.code")
    return PictureDocument(
        index=document.index,
        id=document.id,
        paths=tuple(paths),
        url=None if url is None else str(url),
        size=int(first("file.size") or 0),
        date=None if date is None else str(date),
        error=error if isinstance(error, str) else None,
        picture=Picture.of_document(document),
    )


def _placed(faces: Any) -> Iterator[PlacedFace]:
    for face in faces:
        landmarks, vector = _landmarks(face.get("landmarks")), face.get("vector")
        if landmarks is not None and isinstance(vector, list | tuple):
            yield PlacedFace(np.array(vector, dtype=np.float32), landmarks)


def _landmarks(stored: Any) -> Points | None:
    """None if one is unknown."""
    try:
        points = np.array([[stored[name]["x"], stored[name]["y"]] for name in LANDMARKS], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    return points if np.isfinite(points).all() else None
