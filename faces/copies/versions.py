"""The same picture elsewhere in an index: what a reverse image search finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import mappings
from faces.copies import fingerprints
from faces.copies.asked import Asked
from faces.copies.evidence import KINDS, Evidence, Kind, evidence, least_similarity
from faces.copies.left_out import of_other_models, without_fingerprint
from faces.copies.pictures import Picture, PictureDocument, photos
from faces.decisions.documents import Key, of_keys
from faces.many_searches import search_all
from faces.photo_hashes import of_content
from faces.searchable import FaceField, Searchable

MOST_COPIES = 1_000
"""Photos with the same bytes, and with a near fingerprint, that are looked at."""
MOST_FACES = 8
"""Of the photo, the largest first, by which cropped copies are looked for."""
MOST_SIMILAR = 100
"""Photos with a similar face that are looked at for each face, the most similar first."""


@dataclass(frozen=True)
class Version:
    photo: PictureDocument
    evidence: Evidence

    def as_json(self) -> dict[str, Any]:
        return {
            **self.photo.as_json(),
            **self.evidence.as_json(),
            "known": self.evidence.words,
        }


@dataclass(frozen=True)
class Versions:
    """
    found: the largest and, of equal ones, the earliest first.
    notes: what couldn't be compared.
    """

    found: tuple[Version, ...]
    notes: tuple[str, ...]

    def counts(self) -> dict[Kind, int]:
        """How many of each kind there are, without those of which there is none."""
        kinds = [version.evidence.kind for version in self.found]
        return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


def versions(es: Elasticsearch, where: Searchable, photo: Asked) -> Versions:
    """All versions of a photo that ``where`` has, but for the document that the user named.

    Raises:
        SearchFailed, ApiError: Elasticsearch refuses a search.
    """
    keys, is_cut = _candidates(es, where, photo.picture)
    found = [
        Version(candidate, how)
        for candidate in photos(es, where, of_keys(keys))
        if not photo.is_itself(candidate) and (how := evidence(photo.picture, candidate.picture))
    ]
    found.sort(key=lambda version: version.photo.order)
    return Versions(tuple(found), tuple(_notes(es, where, photo, is_cut)))


def _candidates(es: Elasticsearch, where: Searchable, picture: Picture) -> tuple[list[Key], bool]:
    """Documents that may be versions, and whether there may be more of them."""
    searches = list(_searches(es, where, picture))
    keys: dict[Key, None] = {}
    is_cut = False
    for body, hits in zip(searches, search_all(es, where.name, searches), strict=True):
        is_cut |= len(hits) == body["size"]
        keys |= {(hit["_index"], hit["_id"]): None for hit in hits}
    return list(keys), is_cut


def _searches(es: Elasticsearch, where: Searchable, picture: Picture) -> Iterator[dict[str, Any]]:
    if picture.sha256:
        yield _search(of_content(where, [picture.sha256]), MOST_COPIES)
    if picture.fingerprint:
        yield _search(fingerprints.near(where, picture.fingerprint, MOST_COPIES), MOST_COPIES)
    if picture.faces and picture.model:
        dims = len(picture.faces[0].vector)
        fields = [(field, indices) for field in where.fields if (indices := _of_dims(es, field, dims))]
        for face in picture.faces[:MOST_FACES]:
            vector = face.vector.tolist()
            each = [_similar(field, indices, vector, picture.model) for field, indices in fields]
            yield _search({"bool": {"should": each}}, MOST_SIMILAR)


def _search(query: dict[str, Any], size: int) -> dict[str, Any]:
    return {"query": query, "size": size, "_source": False, "track_total_hits": False}


def _similar(field: FaceField, indices: list[str], vector: list[float], model: str) -> dict[str, Any]:
    """A query for photos with nearly the same face. In an index of two models only its own compare."""
    query: dict[str, Any] = {
        "knn": {
            "field": field.vector,
            "query_vector": vector,
            "k": MOST_SIMILAR,
            "num_candidates": 2 * MOST_SIMILAR,
            "similarity": least_similarity(model),
            "filter": {"term": {field.at("model.id"): model}},
        }
    }
    if field.nested:
        query = {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": query}}
    return {"bool": {"filter": [{"terms": {"_index": indices}}], "must": [query]}}


def _of_dims(es: Elasticsearch, field: FaceField, dims: int) -> list[str]:
    """The indices of a field whose vectors have as many numbers: a search of others would fail."""
    found = es.indices.get_mapping(index=",".join(field.indices))
    return [
        index
        for index, facts in found.items()
        if (mappings.find(facts["mappings"]["properties"], field.vector) or {}).get("dims") == dims
    ]


def _notes(es: Elasticsearch, where: Searchable, photo: Asked, is_cut: bool) -> Iterator[str]:
    picture = photo.picture
    if not picture.fingerprint:
        yield f"[{photo.given}] has no fingerprint: it is compared by bytes and faces alone"
    elif unknown := without_fingerprint(es, where):
        yield f"photos without a fingerprint, compared by bytes and faces alone: {unknown:,}"
    if not picture.faces:
        yield f"[{photo.given}] has no face to compare: cropped versions of it aren't found"
    elif picture.model and (others := of_other_models(es, where, picture.model)):
        yield (
            f"photos of another model than [{picture.model}], whose faces can't be compared: {others:,}; "
            "cropped versions among them aren't found"
        )
    if len(picture.faces) > MOST_FACES:
        yield f"cropped versions are looked for by the {MOST_FACES} largest faces of {len(picture.faces)}"
    if is_cut:
        yield "there are more photos that may be versions than are looked at: the most similar ones were"
