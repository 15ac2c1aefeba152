"""A face as an archive or a gallery stores it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from faces.copies.fingerprints import hexadecimal
from faces.names import name_of_face
from faces.searchable import FaceField, below

HOLDERS = ("faces", "face")
"""The object with the rest of a face, of a photo and of a portrait."""
CROP = ("id", "crop")
READ = ("id", "vector", "box", "quality.score", "label.name", "drawn")
# As fields, which cover both forms that are sent: "file": {"path"} and "file.path".
FIELDS = [{"field": name} for name in ("file.path", "person.name", "file.hash.sha256")]


@dataclass(frozen=True)
class Face:
    """
    name: given by a person, not by a match; None if nobody named the face.
    box: x, y, width, height in pixels of the upright photo.
    quality: 0 to 1, None if it isn't stored.
    sha256, fingerprint: of the photo, in hexadecimal; the latter has 64 bits.
    """

    index: str
    document: str
    id: str
    path: str
    name: str | None
    box: tuple[int, int, int, int]
    quality: float | None
    sha256: str | None
    fingerprint: str | None


def stored(field: FaceField) -> list[str]:
    """The names of what `of_document` reads of a document's source."""
    rest = ("vector", "photo.fingerprint", "photo.faces_found", "file.hash.sha256")
    return [field.at(f"{holder}.{name}") for holder in HOLDERS for name in READ] + [
        field.at(name) for name in rest
    ]


def of_document(hit: dict[str, Any], field: FaceField) -> Iterator[tuple[Face, list[float]]]:
    """Each face that has a vector, and the vector.

    Args:
        hit: of a search for the source's `stored` parts and for `FIELDS`.
    """
    source, sent = hit.get("_source", {}), hit.get("fields", {})
    faces = [face for face in held(source, field) if "vector" in face]
    found = below(source, field.at("photo.faces_found"))
    sha256 = below(source, field.at("file.hash.sha256")) or _first(sent, "file.hash.sha256")
    for face in faces:
        box = face.get("box") or {}
        yield (
            Face(
                index=hit["_index"],
                document=hit["_id"],
                id=str(face.get("id", "")),
                path=_first(sent, "file.path") or hit["_id"],
                name=name_of_face(
                    (face.get("label") or {}).get("name"),
                    sent.get("person.name"),
                    len(faces),
                    found,
                    face.get("drawn") is True,
                ),
                box=(box.get("x", 0), box.get("y", 0), box.get("width", 0), box.get("height", 0)),
                quality=(face.get("quality") or {}).get("score"),
                sha256=sha256 if isinstance(sha256, str) else None,
                fingerprint=hexadecimal(below(source, field.at("photo.fingerprint"))),
            ),
            face["vector"],
        )


def held(source: dict[str, Any], field: FaceField) -> list[dict[str, Any]]:
    """The faces of a photo, or a portrait's one face with its vector."""
    if not field.nested:
        vector = below(source, field.vector)
        return [(below(source, field.at("face")) or {}) | ({"vector": vector} if vector else {})]
    faces = below(source, field.at("faces")) or []
    return faces if isinstance(faces, list) else [faces]


def _first(fields: dict[str, list[Any]], name: str) -> str | None:
    return str(fields[name][0]) if name in fields else None


def decoded(crop: str | None) -> bytes | None:
    try:
        return base64.b64decode(crop or "", validate=True) or None
    except binascii.Error:
        return None
