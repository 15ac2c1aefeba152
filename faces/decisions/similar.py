"""Faces that may be one person's, and that nobody has named yet: a page to be named at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.choosing import Chosen
from faces.decisions.documents import Document
from faces.searchable import FaceField, Searchable
from ingest_service.errors import UserError

MOST_PHOTOS = 1_000
"""Photos that are asked for, at most, to find a page of faces that nobody has named."""
FACES_A_PHOTO = 10
OF_FACES = tuple(f"faces.{name}" for name in ("id", "box", "label", "not", "ignored", "drawn"))


class NoVector(UserError):
    """The face to compare with has no vector here; the message says what to do."""


@dataclass(frozen=True)
class Similar:
    """A face that nobody has named. similarity: cosine, -1 to 1."""

    chosen: Chosen
    similarity: float


def stored_vector(face: Chosen) -> tuple[float, ...]:
    """
    Raises:
        NoVector: the document has none.
    """
    document = face.document
    vector = face.face.get("vector") if document.field.nested else document.get("vector")
    if not vector:
        raise NoVector(f"[{document.id}] in [{document.index}] has no vector to compare with")
    return tuple(vector)


def similar(
    es: Elasticsearch,
    where: Searchable,
    vector: tuple[float, ...],
    name: str,
    k: int,
    min_similarity: float,
) -> list[Similar]:
    """The ``k`` most similar faces that nobody has named, best first: of each photo the most similar one, and
    of none on which ``name`` is already.

    Args:
        vector: (dims,) of the indices' model.
        name: faces of which people said that they aren't this person's are left out, as are ignored ones.
        min_similarity: the least cosine, -1 to 1.
    """
    photos = k
    while True:
        photos = min(MOST_PHOTOS, 4 * photos)
        body = {
            "size": photos,
            "query": {
                "bool": {
                    "should": [
                        _knn(field, vector, photos, min_similarity) for field in where.fields if field.nested
                    ]
                }
            },
            "seq_no_primary_term": True,
            "_source": _source_of(where),
        }
        hits = es.search(index=where.name, body=body)["hits"]["hits"]
        found = [one for hit in hits if (one := _best(hit, where, name))]
        if len(found) >= k or len(hits) < photos or photos == MOST_PHOTOS:
            return found[:k]


def _knn(field: FaceField, vector: tuple[float, ...], photos: int, min_similarity: float) -> dict[str, Any]:
    path = field.at("faces")
    knn: dict[str, Any] = {
        "field": field.vector,
        "k": photos,
        "num_candidates": max(100, 2 * photos),
        "query_vector": vector,
        "similarity": min_similarity,
        # Not photos all of whose faces are named; those of older releases don't say it.
        "filter": {"bool": {"must_not": {"term": {field.at("unnamed_faces"): 0}}}},
    }
    inner = {"name": path, "size": FACES_A_PHOTO, "_source": [f"{path}.id"]}
    nested = {"path": path, "ignore_unmapped": True, "query": {"knn": knn}, "inner_hits": inner}
    return {"bool": {"filter": [{"terms": {"_index": list(field.indices)}}], "must": [{"nested": nested}]}}


def _best(hit: dict[str, Any], where: Searchable, name: str) -> Similar | None:
    document = Document.of(hit, where)
    if any(document.label_of(face) == name for face in document.faces):
        return None
    open_faces = set(_unnamed(document, name))
    for inner in hit["inner_hits"][document.field.at("faces")]["hits"]["hits"]:
        position = inner["_nested"]["offset"]
        if position in open_faces:
            # Elasticsearch's score is (1 + cosine) / 2.
            return Similar(Chosen(document, position), 2 * inner["_score"] - 1)
    return None


def _source_of(where: Searchable) -> list[str]:
    """What is known and said of faces, without vectors and crops."""
    ours = {field.at(name) for field in where.fields for name in (*OF_FACES, "photo.faces_found")}
    return sorted({*ours, "person*", "file.path", "file.name"})


def _unnamed(document: Document, name: str) -> Iterator[int]:
    """The positions of the faces that may be named so."""
    for position, face in enumerate(document.faces):
        said = document.label_of(face) or name in document.not_of(face) or document.is_ignored(face)
        if not said:
            yield position
