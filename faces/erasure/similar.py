"""Unnamed faces that look like a person who is forgotten: a guess, which somebody has to confirm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from faces.calibration.indices import shared
from faces.decisions.documents import Key, face_id
from faces.erasure.fields import get, names_in
from faces.erasure.finding import Findings, FoundFace
from faces.erasure.scope import Scope
from faces.erasure.subject import Place, Subject, treatment_of
from faces.error_rates.similarity import normalized
from faces.names import name_of_face
from faces.pages import every_hit
from faces.searchable import FaceField
from ingest_service.verdicts import Thresholds

MOST = 500
"""Photos of an index that are looked at, the most similar first, besides those that go anyway."""
CANDIDATES, MOST_CANDIDATES = 1_000, 10_000
"""Of a kNN; Elasticsearch takes no more."""


@dataclass(frozen=True)
class SimilarFace:
    """A face that nobody named. similarity: cosine to the mean of the person's faces, -1 to 1."""

    face: FoundFace
    similarity: float
    verdict: str

    def as_json(self) -> dict[str, Any]:
        return {**self.face.as_json(), "similarity": round(self.similarity, 4), "verdict": self.verdict}


def similar_faces(es: Elasticsearch, scope: Scope, findings: Findings, subject: Subject) -> list[SimilarFace]:
    """Faces without a name that are at least ``possible``, the most similar first; not those of which
    somebody said that they aren't this person. Only faces of one model compare."""
    if subject.name is None or not findings.vectors:
        return []
    whole = {found.key for found in findings.documents if found.treatment.delete}
    found: list[SimilarFace] = []
    for index, field in scope.fields():
        if vectors := vectors_for(scope, index, findings.vectors):
            known = sum(one.index == index for one in findings.documents)
            size = min(MOST_CANDIDATES, MOST + known)
            found += _in_index(es, scope, index, field, mean_of(vectors), subject, whole, size)
    return sorted(found, key=lambda one: -one.similarity)


def vectors_for(scope: Scope, index: str, vectors: dict[str, list[list[float]]]) -> list[list[float]]:
    """Those that compare with an index's: of its model. One that records none may have the only model."""
    model = scope.where.recorded[index].get("model")
    if model is None and len(vectors) == 1:
        return next(iter(vectors.values()))
    return vectors.get(str(model), [])


def mean_of(vectors: list[list[float]]) -> list[float]:
    """Of length 1, of vectors of length 1."""
    units = normalized(np.array(vectors, dtype=np.float32))
    (mean,) = normalized(units.mean(axis=0, keepdims=True))
    return [float(one) for one in mean]


def knn(field: FaceField, vector: list[float], least: float, size: int) -> dict[str, Any]:
    """A query for documents with a face at least so similar."""
    query: dict[str, Any] = {
        "knn": {
            "field": field.vector,
            "query_vector": vector,
            "k": size,
            "num_candidates": max(CANDIDATES, size),
            "similarity": least,
        }
    }
    if field.nested:
        query = {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": query}}
    return query


def _in_index(
    es: Elasticsearch,
    scope: Scope,
    index: str,
    field: FaceField,
    vector: list[float],
    subject: Subject,
    whole: set[Key],
    size: int,
) -> list[SimilarFace]:
    thresholds = shared({index: scope.where.recorded[index]}).thresholds
    ids = [
        hit["_id"]
        for hit in es.search(
            index=index, query=knn(field, vector, thresholds.possible, size), size=size, source=False
        )["hits"]["hits"]
    ]
    found = []
    wanted = [field.at(name) for name in ("faces", "vector", "face.id", "photo.faces_found", "model.id")]
    for hit in every_hit(
        es,
        index,
        {"ids": {"values": ids}},
        source={
            "includes": [*wanted, "person*"],
            "excludes": [field.at("faces.crop")],
            "exclude_vectors": False,
        },
        fields=["file.path"],
    ):
        place = Place((index, hit["_id"]), hit["_source"], field)
        if place.key in whole:
            continue
        path = str(next(iter(hit.get("fields", {}).get("file.path", [])), hit["_id"]))
        found += _in_place(place, path, vector, subject, thresholds)
    return found


def _in_place(
    place: Place, path: str, vector: list[float], subject: Subject, thresholds: Thresholds
) -> list[SimilarFace]:
    going = treatment_of(place, subject).faces
    found = []
    for position, face in enumerate(place.faces):
        if position in going or "vector" not in face or not _is_unnamed(place, face):
            continue
        if subject.name in names_in(face.get("not")) or len(face["vector"]) != len(vector):
            continue
        similarity = float(normalized(np.array([face["vector"]], dtype=np.float32))[0] @ np.array(vector))
        if similarity >= thresholds.possible:
            one = FoundFace(*place.key, path, face_id(face, position), position, len(place.faces))
            found.append(SimilarFace(one, similarity, thresholds.verdict(similarity)))
    return found


def _is_unnamed(place: Place, face: dict[str, Any]) -> bool:
    if not place.field.nested:
        return not place.photo_names
    label, names = get(face, "label.name"), sorted(place.photo_names)
    drawn = face.get("drawn") is True
    return name_of_face(label, names, len(place.faces), place.at("photo.faces_found"), drawn) is None
