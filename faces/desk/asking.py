"""Who is on a photo that somebody dropped, and where else these faces are."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from es_setup.connection import Connection
from es_setup.models import MixedModels
from faces.calibration.indices import Shared, shared
from faces.desk.asked_photos import AskedPhoto
from faces.desk.at_once import both
from faces.desk.settings import DeskSettings
from faces.erasure.kept_away import KeptAway
from faces.identifying.identifier import CANDIDATES, Candidate, Identifier, Lookup
from faces.identifying.photo import UNKNOWN, faces_of, shown_name
from faces.indexing.client_side import client_side_of
from faces.indexing.contents import content_of
from faces.matches import Match
from faces.photo_faces import PhotoFaces, photo_faces
from faces.refusals import PHOTO
from faces.reviewing.portraits import crops_of
from faces.searchable import NoFaces, Searchable, searchable
from faces.searching import FaceQuery, search
from ingest_service.errors import UserError

BEST = CANDIDATES
"""Matches of a face that are shown at first."""
MOST = 100


class NotKept(UserError):
    """The photo can't be stored as a probe; the message says why."""


@dataclass(frozen=True)
class ShownCandidate:
    """crop: of the person's nearest portrait, base64 JPEG, if stored."""

    candidate: Candidate
    name: str
    verdict: str
    crop: str | None


@dataclass(frozen=True)
class AskedFace:
    """
    position: largest first, from 0.
    answer: who it is, or `UNKNOWN`.
    """

    position: int
    box: dict[str, int]
    crop: str | None
    answer: str
    candidates: tuple[ShownCandidate, ...]

    @property
    def is_known(self) -> bool:
        return self.answer != UNKNOWN


def look_at(connection: Connection, es: Elasticsearch, settings: DeskSettings, data: bytes) -> PhotoFaces:
    """The faces of a photo, by the model of archive and probes. Which that is, is read while the service
    looks at the photo: it nearly always is the one that is served.

    Raises: as `faces.identifying.photo.faces_of`.
    """

    def held() -> tuple[Searchable, str | None]:
        where = searchable(es, settings.places)
        try:
            return where, where.model(es)
        except MixedModels:
            return where, None

    found, (where, model) = both(lambda: photo_faces(connection, es, data), held)
    # Asked for the other one, the service says what to do.
    return found if model in (None, found.model_id) else faces_of(connection, es, data, where)


def people_on(es: Elasticsearch, settings: DeskSettings, found: PhotoFaces) -> list[AskedFace]:
    """Each face with those whom it may show, by the gallery; with nobody where there is no gallery.

    Raises:
        OtherGallery: the portraits are of another model.
    """
    vectors = [face["vector"] for face in found.faces]
    try:
        identifier = Identifier(es, Lookup(settings.gallery), found.model_id)
        people = identifier.candidates(vectors) if vectors else []
        judged = shared(identifier.gallery.recorded)
        crops = crops_of(es, identifier.gallery, [one.gallery_id for each in people for one in each])
    except (NotFoundError, NoFaces):
        return [_face(place, face, [], None, {}) for place, face in enumerate(found.faces)]
    return [
        _face(place, face, candidates, judged, crops)
        for place, (face, candidates) in enumerate(zip(found.faces, people, strict=True))
    ]


def _face(
    place: int,
    face: dict[str, Any],
    candidates: Sequence[Candidate],
    judged: Shared | None,
    crops: dict[str, str],
) -> AskedFace:
    best = candidates[0] if candidates and candidates[0].is_match else None
    return AskedFace(
        position=place,
        box=face["box"],
        crop=face.get("crop"),
        answer=shown_name(best) if best else UNKNOWN,
        candidates=tuple(
            ShownCandidate(
                one,
                shown_name(one),
                judged.thresholds.verdict(one.similarity) if judged else "",
                crops.get(one.gallery_id),
            )
            for one in candidates
        ),
    )


def elsewhere(es: Elasticsearch, settings: DeskSettings, query: FaceQuery) -> list[Match]:
    """The photos with the most similar faces, best first."""
    return search(es, query, searchable(es, settings.places))


def named_elsewhere(matches: Sequence[Match]) -> str | None:
    """Who it is by the most similar face that somebody named, if that is a strong match."""
    named = (one for one in matches if one.name)
    best = next(named, None)
    return best.name if best and best.verdict == "strong" else None


def keep_as_probe(
    connection: Connection, es: Elasticsearch, settings: DeskSettings, photo: AskedPhoto
) -> tuple[str, str]:
    """Index and id of the document, also if it was kept before.

    Raises:
        NotKept: it is refused.
        ServiceAway: the service can't look at it now.
    """
    content = content_of(photo.name, photo.data)
    if not KeptAway(es).divided([content])[0]:
        raise NotKept("this photo was forgotten, so it isn't stored again")
    key = content.id
    source: dict[str, Any] = {
        PHOTO: base64.b64encode(photo.data).decode("ascii"),
        "file": {"name": photo.name},
    }
    client_side = client_side_of(es, connection.service(), settings.probes)
    if client_side:
        source = client_side.whole(source)
    try:
        answer = es.index(
            index=settings.probes, id=key, document=source, op_type="create", refresh="wait_for"
        )
    except ConflictError:
        where = searchable(es, settings.probes)
        return next(iter(where.recorded)), key
    return str(answer["_index"]), key
