"""Identifies faces: who in a gallery each may be, and what a document says of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch, NotFoundError

from es_setup.models import MixedModels
from es_setup.other_models import what_to_do
from es_setup.shipped_files import GALLERY
from faces.identifying.people_search import LikePerson, PeopleSearch
from faces.identifying.thresholds import GalleryThresholds, thresholds_of
from faces.refusals import face_options_of
from faces.searchable import NoFaces, Searchable, searchable
from ingest_service.errors import UserError

CANDIDATES = 5
"""The most people for a face, by default."""


class OtherGallery(UserError):
    """The gallery's portraits can't be compared with these faces; the message says what to do."""


@dataclass(frozen=True)
class Lookup:
    """Where and how to search: a pipeline's option ``identify``.

    gallery: an index, an alias, a pattern, or several, separated by commas.
    k: the most people for a face, 1 to 100.
    similarity: the least cosine of a match and of a candidate; None for the gallery's own thresholds.
    filters: queries that a portrait must match.
    """

    gallery: str = GALLERY
    k: int = CANDIDATES
    similarity: float | None = None
    filters: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Lookup:
        """From ``identify`` as it stands in a pipeline, whose numbers may be texts."""
        similarity, wanted = options.get("similarity"), options.get("filter") or []
        return cls(
            gallery=str(options["index"]),
            k=int(float(options.get("k", CANDIDATES))),
            similarity=None if similarity is None else float(similarity),
            filters=tuple(wanted if isinstance(wanted, list) else [wanted]),
        )


def lookup_of(es: Elasticsearch, where: Searchable, gallery: str | None = None) -> Lookup:
    """As the pipeline of the indices says, so that a face is identified as when its photo is sent; by default
    where they have none, or the user may not read it.

    Args:
        gallery: in place of the pipeline's.
    """
    lookup = Lookup()
    with suppress(AuthorizationException, NotFoundError):
        found = (options["identify"] for options in face_options_of(es, where) if "identify" in options)
        lookup = next((Lookup.of(options) for options in found), lookup)
    return replace(lookup, gallery=gallery) if gallery else lookup


@dataclass(frozen=True)
class Candidate:
    """A person whom a face may show.

    gallery_id: of their portrait that is most similar to the face.
    similarity: to the mean of their portraits, -1 to 1; probability: None if the gallery isn't calibrated.
    is_match: whether the similarity reaches the threshold of a match.
    """

    gallery_id: str
    name: str | None
    similarity: float
    probability: float | None
    is_match: bool
    tags: tuple[str, ...]

    @classmethod
    def of(cls, person: LikePerson, thresholds: GalleryThresholds) -> Candidate:
        return cls(
            gallery_id=person.nearest.id,
            name=person.name,
            similarity=person.similarity,
            probability=thresholds.probability(person.nearest.index, person.similarity),
            is_match=person.similarity >= thresholds.match,
            tags=person.tags,
        )

    def as_fields(self) -> dict[str, Any]:
        """As a document has it."""
        fields: dict[str, Any] = {} if self.name is None else {"name": self.name}
        fields["similarity"] = self.similarity
        if self.probability is not None:
            fields["probability"] = self.probability
        fields["gallery_id"] = self.gallery_id
        return fields | ({"tags": list(self.tags)} if self.tags else {})


def guesses(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The fields of a face that say who it may be; none for a face that looks like nobody."""
    if not candidates:
        return {}
    match = {"match": candidates[0].as_fields()} if candidates[0].is_match else {}
    return {
        **match,
        "candidates": [candidate.as_fields() for candidate in candidates],
        "best_similarity": candidates[0].similarity,
    }


class Identifier:
    """Identifies faces of one model.

    Attributes:
        gallery: what is searched.
    """

    def __init__(self, es: Elasticsearch, lookup: Lookup, model: str) -> None:
        """
        Raises:
            NoFaces: the gallery has no field for portraits.
            OtherGallery: its portraits are of another model.
            NotFoundError: there is no such gallery.
        """
        self.gallery = searchable(es, lookup.gallery)
        _require_portraits(es, self.gallery, model)
        # Of the indices that hold no faces nothing is recorded.
        recorded = self.gallery.recorded | {name: {} for name in self.gallery.without}
        self._thresholds = thresholds_of(recorded, model).fixed(lookup.similarity)
        self._search = PeopleSearch(
            es, lookup.gallery, model, self._thresholds.candidate, lookup.k, lookup.filters
        )

    def candidates(self, vectors: Sequence[Any]) -> list[list[Candidate]]:
        """Of each face, most similar first.

        Raises:
            SearchFailed: Elasticsearch can't search the gallery.
        """
        return [
            [Candidate.of(person, self._thresholds) for person in people]
            for people in self._search.find(vectors)
        ]


def _require_portraits(es: Elasticsearch, gallery: Searchable, model: str) -> None:
    if not any(field.vector == "vector" for field in gallery.fields):
        raise NoFaces(
            f"[{gallery.name}] is no gallery: it has no field [vector]; name one such as [{GALLERY}]"
        )
    try:
        held = gallery.model(es)
    except MixedModels:
        return  # only those of this model are searched
    if held not in (None, model):
        raise OtherGallery(
            f"the portraits in [{gallery.name}] are of model [{held}], the faces of [{model}], and vectors "
            f"of two models can't be compared. {what_to_do(str(held), model)}"
        )
