"""The photo whose copies are looked for: a file, or a photo that is indexed."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.copies.pictures import Picture, PictureDocument, photos
from faces.decisions.choosing import documents_of, is_file
from faces.decisions.documents import Key, of_keys
from faces.photo_faces import photo_faces, read_photo
from faces.photo_hashes import of_content
from faces.searchable import Searchable, refresh
from ingest_service.errors import UserError


class NothingToCompare(UserError):
    """Nothing is known of the photo by which a copy could be recognized; the message says why."""


@dataclass(frozen=True)
class Asked:
    """
    given: as the user named the photo.
    document: that the user named; None if they named a file.
    """

    given: str
    picture: Picture
    document: PictureDocument | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "given": self.given,
            "index": self.document.index if self.document else None,
            "id": self.document.id if self.document else None,
            "width": self.picture.width or None,
            "height": self.picture.height or None,
            "faces": len(self.picture.faces),
            "model": self.picture.model,
        }

    def is_itself(self, photo: PictureDocument) -> bool:
        """Whether this is the very document that the user named."""
        return self.document is not None and photo.key == self.document.key


def asked(connection: Connection, es: Elasticsearch, where: Searchable, text: str) -> Asked:
    """The photo that is meant. Only a file whose content isn't indexed needs the service, or the plugin.

    Args:
        text: a file, or what names a photo of ``where``: see `documents_of`.

    Raises:
        NothingToCompare: the document is of a photo that couldn't be read, or is gone.
        NoSuchFace, SeveralFaces: no photo is meant, or several are.
        PhotoRefused: the file is no photo.
        NoInference: neither the service nor the plugin can be asked.
    """
    if is_file(Path(text)):
        return Asked(text, _of_file(connection, es, where, Path(text)))
    # Of several documents with the same content the first; the others are its copies.
    return stored_photo(es, where, documents_of(es, where, text)[0].key, text)


def stored_photo(es: Elasticsearch, where: Searchable, key: Key, given: str) -> Asked:
    """
    Args:
        given: as the user named the photo.

    Raises:
        NothingToCompare: as `asked`.
    """
    found = _first(es, where, of_keys([key]))
    if found is None:
        raise NothingToCompare(f"[{given}] was deleted meanwhile")
    picture = found.picture
    if picture.sha256 is None and picture.fingerprint is None and not picture.faces:
        why = f": it was stored with its error [{found.error}]" if found.error else ""
        raise NothingToCompare(
            f"[{found.id}] in [{found.index}] has neither hash, fingerprint nor faces to compare{why}"
        )
    return Asked(given, picture, found)


def _of_file(connection: Connection, es: Elasticsearch, where: Searchable, path: Path) -> Picture:
    data = read_photo(path)
    refresh(es, where)
    known = _first(es, where, of_content(where, [hashlib.sha256(data).hexdigest()]))
    if known and known.picture.fingerprint:
        return known.picture
    return Picture.of_found(photo_faces(connection, es, data))


def _first(es: Elasticsearch, where: Searchable, query: dict[str, Any]) -> PictureDocument | None:
    with closing(photos(es, where, query)) as found:
        return next(found, None)
