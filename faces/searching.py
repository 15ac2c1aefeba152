"""Searches indices for the faces most similar to one of a photo, or to a person."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup.connection import Service, innermost_reason
from es_setup.other_models import check_refusal
from es_setup.thresholds import as_meta
from faces.calibration.indices import Shared, shared
from faces.matches import Match, match_of
from faces.names import spellings
from faces.photo_faces import NotChosen
from faces.searchable import FaceField, Searchable
from ingest_service.errors import UserError

FIELDS = ("face_count", "thumbnail", "photo.width", "photo.height", "photo.faces_found")
"""What a match needs of what the processor stored beside the faces."""
SENT = ("file.path", "person.name")
"""What senders may add. As fields: these read both "file": {"path"} and "file.path", whichever was sent."""
FACE = ("id", "box", "label.name", "match.name", "drawn")
NO_BUILDER = re.compile(r"unknown (named object category \[.*QueryVectorBuilder|field \[face\])")
"""Elasticsearch's reason where no plugin brings the query vector builder [face]."""
NO_SUCH_FACE = re.compile(r"face \[\d+\] not found in \[image\]")
"""The plugin's reason where the photo has fewer faces."""


@dataclass(frozen=True)
class FaceQuery:
    """What to search for.

    photo: with the face; None if ``vector`` is given, (dims,) of the indices' model.
    face: its position on the photo, largest first, from 0; None: the largest.
    min_similarity: the least cosine of a match, -1 to 1.
    name: only photos on which this person is, as people said.
    since, until: only photos whose ``@timestamp`` is from this day on, or up to it; as ISO 8601.
    observer: only photos of this camera or collection, their ``observer.name``.
    crops: whether the matches bring the crops of their faces.
    """

    photo: bytes | None
    k: int = 5
    face: int | None = None
    min_similarity: float | None = None
    name: str | None = None
    vector: tuple[float, ...] | None = None
    since: str | None = None
    until: str | None = None
    observer: str | None = None
    crops: bool = False


@dataclass(frozen=True)
class QueryFace:
    """The face that a search looks for.

    position: largest first, from 0; of: how many faces the photo has.
    box: x, y, width, height in pixels of the upright photo.
    """

    position: int
    of: int
    box: tuple[float, float, float, float]

    def as_json(self) -> dict[str, Any]:
        box = dict(zip(("x", "y", "width", "height"), self.box, strict=True))
        return {"position": self.position, "of": self.of, "box": box}


@dataclass(frozen=True)
class QueryResult:
    """A photo that was searched for, and what was found.

    name: of its file; label: its person, if known; photo: its bytes.
    face: the one that was looked for, if known.
    note: why there are no matches, if there are none.
    """

    name: str
    label: str | None
    photo: bytes
    matches: list[Match]
    face: QueryFace | None = None
    note: str = "no match"

    @property
    def correct(self) -> bool | None:
        """Whether the best match is the photo's person; None if the photo has no label."""
        if self.label is None:
            return None
        return bool(self.matches) and self.matches[0].name == self.label


class NoPlugin(UserError):
    """Elasticsearch can't search with a photo, as it lacks the plugin: search with the vector of its face."""


def search(es: Elasticsearch, query: FaceQuery, where: Searchable) -> list[Match]:
    """The ``query.k`` photos with the most similar faces, best first.

    Raises:
        NoPlugin: the query is a photo.
        NotChosen: the photo has fewer faces than ``query.face`` says.
        MixedModels: the indices hold vectors of several models.
        OtherModel: the service serves another one than theirs.
        elasticsearch.ApiError: 400 if the photo can't be read or has no face, 429 if the service is busy or
            down.
    """
    body = search_body(query, where, where.model(es))
    try:
        hits = es.search(index=where.name, body=body)["hits"]["hits"]
    except ApiError as error:
        refusal = innermost_reason(error)
        check_refusal(refusal, where.name)
        if NO_BUILDER.search(refusal):
            raise NoPlugin(f"Elasticsearch lacks the plugin [ingest-face]: {refusal}") from None
        if NO_SUCH_FACE.search(refusal):
            raise NotChosen("no_such_face", refusal) from None
        raise
    judged = shared(where.recorded)
    return [match_of(rank, hit, _field_of(hit, where), judged) for rank, hit in enumerate(hits, start=1)]


def search_body(query: FaceQuery, where: Searchable, model: str | None) -> dict[str, Any]:
    """The body of the ``_search``: a kNN for each kind of field, over the indices that have it.

    Not the body's own ``knn``: it finds nothing where one of the indices lacks the nested field.
    ``inner_hits`` tells which face matched. The answer has no ``image`` and no vectors.
    """
    return {
        "size": query.k,
        "query": {"bool": {"should": [_kind(query, field, model) for field in where.fields]}},
        "docvalue_fields": sorted({field.at("people") for field in where.fields}),
        "fields": sorted({field.at(name) for field in where.fields for name in FIELDS} | set(SENT)),
        "_source": sorted(field.at("face") for field in where.fields if not field.nested) or False,
    }


def _field_of(hit: dict[str, Any], where: Searchable) -> FaceField:
    """The field that matched: a nested one has inner hits."""
    inner = hit.get("inner_hits", {})
    matched = [path for path, found in inner.items() if found["hits"]["hits"]]
    fields = where.fields_of(hit["_index"])
    nested = [field for field in fields if field.nested and field.at("faces") in matched]
    return (nested or [field for field in fields if not field.nested])[0]


def _kind(query: FaceQuery, field: FaceField, model: str | None) -> dict[str, Any]:
    least = {} if query.min_similarity is None else {"similarity": query.min_similarity}
    knn: dict[str, Any] = {
        "knn": {
            "field": field.vector,
            "k": query.k,
            "num_candidates": max(100, 10 * query.k),
            **_query_vector(query, model),
            **least,
        }
    }
    if filters := _filters(query, field):
        knn["knn"]["filter"] = filters
    if field.nested:
        path = field.at("faces")
        wanted = (*FACE, "crop") if query.crops else FACE
        inner = {"name": path, "size": 1, "_source": [f"{path}.{name}" for name in wanted]}
        knn = {"nested": {"path": path, "ignore_unmapped": True, "query": knn, "inner_hits": inner}}
    # First the indices, as another one may have a field of this name that holds no vectors.
    return {"bool": {"filter": [{"terms": {"_index": list(field.indices)}}], "must": [knn]}}


def _filters(query: FaceQuery, field: FaceField) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if query.name is not None:
        found.append({"terms": {field.at("people"): spellings(query.name)}})
    if query.observer is not None:
        found.append({"term": {"observer.name": query.observer}})
    days = {"gte": query.since, "lte": query.until}
    if within := {end: day for end, day in days.items() if day is not None}:
        found.append({"range": {field.at("@timestamp"): within}})
    return found


def _query_vector(query: FaceQuery, model: str | None) -> dict[str, Any]:
    if query.photo is None:
        return {"query_vector": query.vector}
    face: dict[str, Any] = {"image": base64.b64encode(query.photo).decode("ascii")}
    face |= {"model": model} if model else {}
    face |= {"face": query.face} if query.face is not None else {}
    return {"query_vector_builder": {"face": face}}


def query_face(service: Service, photo: bytes, position: int | None, model: str | None) -> QueryFace | None:
    """The face that a search with ``photo`` looks for; None without one.

    Raises:
        ConnectionFailed: the service doesn't answer, or serves another model, which may find other faces.
    """
    faces = service.faces(photo, model)
    chosen = position or 0
    if chosen >= len(faces):
        return None
    box = faces[chosen]["box"]
    return QueryFace(chosen, len(faces), (box["x"], box["y"], box["width"], box["height"]))


def judged_as_json(judged: Shared) -> dict[str, Any]:
    """What the verdicts are based on, for scripts."""
    pair = {"thresholds": as_meta(judged.thresholds)}
    if judged.calibration is None:
        return {"calibrated": False, **pair}
    return {"calibrated": True, **pair, "calibration": judged.calibration.as_meta()}
