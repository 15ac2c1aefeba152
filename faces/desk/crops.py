"""The crops of stored faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from faces.decisions.documents import Key, face_id, of_keys
from faces.explore.stored_faces import CROP, HOLDERS, held
from faces.searchable import Searchable, below
from ingest_service.errors import WrongArguments


@dataclass(frozen=True)
class FaceId:
    """A stored face.

    face: its id, by `faces.decisions.documents.face_id`.
    """

    index: str
    document: str
    face: str

    def __str__(self) -> str:
        """As forms carry it. A name of an index has no `/`, and an id of a face no blank."""
        return f"{self.index}/{self.face} {self.document}"

    @classmethod
    def of(cls, text: str) -> FaceId:
        """
        Raises:
            WrongArguments: it is none.
        """
        first, blank, document = text.partition(" ")
        index, slash, face = first.partition("/")
        if not (blank and slash and index and face and document):
            raise WrongArguments("a face in this form isn't one: open the page again")
        return cls(index, document, face)


def crops_of_faces(es: Elasticsearch, where: Searchable, faces: Sequence[FaceId]) -> dict[FaceId, str]:
    """The stored crops, base64 JPEG; without the faces that have none, or are gone."""
    if not faces:
        return {}
    names = {field.at(f"{holder}.{name}") for field in where.fields for holder in HOLDERS for name in CROP}
    keys = {(one.index, one.document) for one in faces}
    hits = es.search(
        index=where.name,
        query=of_keys(keys),
        size=len(keys),
        source={"includes": sorted(names)},
        track_total_hits=False,
    )["hits"]["hits"]
    found = {}
    for hit in hits:
        for field in where.fields_of(hit["_index"]):
            for position, face in enumerate(held(hit["_source"], field)):
                if isinstance(crop := face.get("crop"), str):
                    found[FaceId(hit["_index"], hit["_id"], face_id(face, position))] = crop
    return {one: found[one] for one in faces if one in found}


def thumbnails(es: Elasticsearch, where: Searchable, keys: Sequence[Key]) -> dict[Key, str]:
    """Of photos, base64 JPEG; without those that have none."""
    if not keys:
        return {}
    names = sorted({field.at("thumbnail") for field in where.fields})
    hits = es.search(
        index=where.name,
        query=of_keys(keys),
        size=len(keys),
        source={"includes": names},
        track_total_hits=False,
    )["hits"]["hits"]
    found = {
        (hit["_index"], hit["_id"]): next(
            (one for name in names if isinstance(one := below(hit["_source"], name), str)), None
        )
        for hit in hits
    }
    return {key: picture for key, picture in found.items() if picture}
