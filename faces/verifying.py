"""Whether two faces are one person's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.connection import Connection, ConnectionFailed
from es_setup.other_models import what_to_do
from faces.calibration.indices import Shared, shared
from faces.decisions.choosing import chosen
from faces.decisions.similar import stored_vector
from faces.error_rates.similarity import cosine
from faces.photo_faces import photo_faces, read_photo
from faces.searchable import NoFaces, Searchable, searchable
from ingest_service.errors import UserError
from ingest_service.verdicts import of_model

OPTIONS = ("--face-a", "--face-b")
"""Which face of the first, and of the second."""


class CannotCompare(UserError):
    """The faces are of two models; the message says what to do."""


@dataclass(frozen=True)
class GivenFace:
    """A face to compare.

    given: as the user named its photo; position: largest first, from 0; of: how many faces the photo has.
    vector: (dims,), of ``model``.
    """

    given: str
    position: int
    of: int
    box: Mapping[str, int]
    model: str
    vector: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "photo": self.given,
            "face": {"position": self.position, "of": self.of, "box": dict(self.box)},
        }


@dataclass(frozen=True)
class Verified:
    """
    similarity: cosine, -1 to 1.
    judged: how it is judged.
    note: why it isn't judged by an index, if it isn't.
    """

    faces: tuple[GivenFace, GivenFace]
    similarity: float
    judged: Shared
    note: str | None = None

    @property
    def verdict(self) -> str:
        return self.judged.thresholds.verdict(self.similarity)

    @property
    def probability(self) -> float | None:
        """That both are one person, 0 to 1, at even prior odds; None without a calibration."""
        made = self.judged.calibration
        return made.probability(self.similarity) if made else None

    def as_json(self) -> dict[str, Any]:
        probability = {} if self.probability is None else {"probability": round(self.probability, 4)}
        return {
            "faces": [face.as_json() for face in self.faces],
            "model": self.faces[0].model,
            "similarity": round(self.similarity, 4),
            "verdict": self.verdict,
            **probability,
        }


def verify(
    connection: Connection,
    es: Elasticsearch,
    given: tuple[str, str],
    faces: tuple[int | None, int | None],
    index: str,
) -> Verified:
    """Compares two faces.

    Args:
        given: a file each, or what names a photo or a face of ``index``.
        faces: their positions; needed where a photo has several.
        index: it also judges the similarity, if it has faces of this model.

    Raises:
        CannotCompare: the faces are of two models.
        NoSuchFace, NoSuchPosition, SeveralFaces, PhotoRefused, NoInference: a face isn't there, or isn't the
            only one.
    """
    stored = [one for one in given if not Path(one).is_file()]
    where, note = _searchable(es, index, required=bool(stored))
    wanted = list(zip(given, faces, OPTIONS, strict=True))
    # By their order, as both may be faces of one photo.
    known = [_stored(es, where, *one) if where and one[0] in stored else None for one in wanted]
    model = next((face.model for face in known if face), None)
    first, second = (
        found or _of_file(connection, es, model, *one) for found, one in zip(known, wanted, strict=True)
    )
    if first.model != second.model:
        raise CannotCompare(
            f"[{first.given}] is of model [{first.model}], [{second.given}] of [{second.model}], and vectors "
            f"of two models can't be compared. {what_to_do(first.model, second.model)}"
        )
    similarity = float(cosine(np.array([first.vector]), np.array([second.vector]))[0, 0])
    judged = Shared(uncalibrated=of_model(first.model))
    if where and where.model(es) == first.model:
        judged = shared(where.recorded)
    return Verified((first, second), similarity, judged, note)


def _searchable(es: Elasticsearch, index: str, required: bool) -> tuple[Searchable | None, str | None]:
    """What judges, and may have the faces; and why there is nothing."""
    try:
        return searchable(es, index), None
    except (ApiError, TransportError, ConnectionFailed, NoFaces) as error:
        if required:
            raise
        return (
            None,
            f"judged by the thresholds of the model, as [{index}] can't be asked ({type(error).__name__})",
        )


def _stored(es: Elasticsearch, where: Searchable, text: str, face: int | None, option: str) -> GivenFace:
    found = chosen(es, where, text, face, option)[0]
    document, entry = found.document, found.face
    model, vector = str(document.get("model.id")), stored_vector(found)
    return GivenFace(text, found.position, len(document.faces), entry.get("box") or {}, model, vector)


def _of_file(
    connection: Connection, es: Elasticsearch, model: str | None, path: str, face: int | None, option: str
) -> GivenFace:
    found = photo_faces(connection, es, read_photo(Path(path)), model)
    position = found.face(face, option)
    entry = found.faces[position]
    return GivenFace(path, position, len(found.faces), entry["box"], found.model_id, tuple(entry["vector"]))
