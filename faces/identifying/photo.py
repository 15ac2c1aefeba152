"""Who is on a photo that isn't stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Connection, ServiceRefused
from es_setup.models import MixedModels
from es_setup.other_models import check_refusal
from faces.calibration.indices import Shared, shared
from faces.identifying.identifier import Candidate, Identifier, Lookup
from faces.photo_faces import NoInference, PhotoFaces, photo_faces
from faces.searchable import Searchable, searchable

UNKNOWN = "unknown"


@dataclass(frozen=True)
class IdentifiedFace:
    """
    position: largest first, from 0; of: how many faces the photo has.
    box: x, y, width, height in pixels of the upright photo.
    candidates: most similar first.
    """

    position: int
    of: int
    box: dict[str, int]
    candidates: tuple[Candidate, ...]

    @property
    def match(self) -> Candidate | None:
        """Who it is, if somebody is similar enough."""
        return self.candidates[0] if self.candidates and self.candidates[0].is_match else None

    @property
    def answer(self) -> str:
        """The name of the match; of a portrait without a name its id."""
        return UNKNOWN if self.match is None else shown_name(self.match)

    def as_json(self, judged: Shared) -> dict[str, Any]:
        return {
            "position": self.position,
            "of": self.of,
            "box": self.box,
            "answer": self.answer,
            "candidates": [
                {
                    **candidate.as_fields(),
                    "verdict": judged.thresholds.verdict(candidate.similarity),
                    "match": candidate is self.match,
                }
                for candidate in self.candidates
            ],
        }


@dataclass(frozen=True)
class IdentifiedPhoto:
    """
    faces: all of them, or the one that was chosen.
    judged: how similarities to the gallery's portraits are judged.
    portraits: how many the gallery has.
    """

    model: str
    faces: tuple[IdentifiedFace, ...]
    judged: Shared
    portraits: int

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "portraits": self.portraits,
            "faces": [face.as_json(self.judged) for face in self.faces],
        }


def shown_name(candidate: Candidate) -> str:
    return candidate.name or f"portrait {candidate.gallery_id}"


def identify_photo(
    connection: Connection, es: Elasticsearch, photo: bytes, lookup: Lookup, face: int | None = None
) -> IdentifiedPhoto:
    """Who each face of a photo is, or the one at position ``face``. Nothing is stored.

    Raises:
        PhotoRefused: the photo can't be read, or has no such face.
        NoInference: neither the service nor the plugin can find its faces.
        OtherModel, OtherGallery: the gallery's portraits are of another model than theirs.
    """
    gallery = searchable(es, lookup.gallery)
    found = faces_of(connection, es, photo, gallery)
    chosen = range(len(found.faces)) if face is None else [found.face(face)]
    people = Identifier(es, lookup, found.model_id).candidates([found.faces[one]["vector"] for one in chosen])
    return IdentifiedPhoto(
        model=found.model_id,
        faces=tuple(
            IdentifiedFace(position, len(found.faces), found.faces[position]["box"], tuple(candidates))
            for position, candidates in zip(chosen, people, strict=True)
        ),
        judged=shared(gallery.recorded),
        portraits=int(
            es.count(
                index=gallery.name,
                query={
                    "bool": {"should": [field.with_faces for field in gallery.fields if not field.nested]}
                },
            )["count"]
        ),
    )


def faces_of(connection: Connection, es: Elasticsearch, photo: bytes, where: Searchable) -> PhotoFaces:
    """The faces of a photo by the model of some indices, if they have one.

    Raises:
        OtherModel: another one is served.
        PhotoRefused, NoInference: as `photo_faces`.
    """
    try:
        model = where.model(es)
    except MixedModels:
        model = None
    try:
        return photo_faces(connection, es, photo, model)
    except (ServiceRefused, NoInference) as error:
        check_refusal(str(error), where.name)
        raise
