"""A face that a search has found, as read from Elasticsearch's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faces.calibration.indices import Shared
from faces.calibration.record import Calibration
from faces.names import name_of_face, nfc
from faces.searchable import FaceField, below
from ingest_service.verdicts import UNCALIBRATED, Thresholds


@dataclass(frozen=True)
class MatchedFace:
    """The face of a photo that matched.

    id: empty if it isn't stored.
    position: in the document, from 0; of: how many faces the photo has.
    box: x, y, width, height in pixels of the upright photo, if stored.
    crop: base64 JPEG, if stored and asked for.
    """

    id: str
    position: int
    of: int
    box: tuple[int, int, int, int] | None
    crop: str | None = None

    def as_json(self) -> dict[str, Any]:
        box = dict(zip(("x", "y", "width", "height"), self.box, strict=True)) if self.box else None
        return {"position": self.position, "of": self.of, "id": self.id, "box": box}


@dataclass(frozen=True)
class Match:
    """A photo that was found, with its most similar face.

    path: of the file; the document's id where none was sent.
    name: of the face's person, as a person said; guess: the best match in the gallery, which a machine found.
    people: who is on the photo, as people said: with several faces it isn't known which is whose.
    similarity: cosine, -1 to 1.
    photo_size: width and height of the upright photo in pixels, if stored.
    thumbnail: base64 JPEG, if stored.
    calibration: the indices', if they share one; thresholds: theirs, calibrated or not.
    """

    rank: int
    index: str
    document_id: str
    path: str
    face: MatchedFace
    similarity: float
    name: str | None = None
    guess: str | None = None
    people: tuple[str, ...] = ()
    photo_size: tuple[int, int] | None = None
    thumbnail: str | None = None
    calibration: Calibration | None = None
    thresholds: Thresholds = UNCALIBRATED

    @property
    def person(self) -> str | None:
        """Who the face is; marked, if that is a guess, or somebody on the photo who may be another face."""
        if self.name or not (self.guess or self.people):
            return self.name
        return f"guess: {self.guess}" if self.guess else f"photo: {', '.join(self.people)}"

    @property
    def verdict(self) -> str:
        """``strong``, ``possible`` or ``unlikely``."""
        return self.thresholds.verdict(self.similarity)

    @property
    def probability(self) -> float | None:
        """That both photos show one person, 0 to 1, at even prior odds; None without a calibration."""
        return self.calibration.probability(self.similarity) if self.calibration else None

    def as_json(self) -> dict[str, Any]:
        probability = {} if self.probability is None else {"probability": round(self.probability, 4)}
        return {
            "rank": self.rank,
            "index": self.index,
            "id": self.document_id,
            "path": self.path,
            "face": self.face.as_json(),
            "name": self.name,
            "guess": self.guess,
            "people": list(self.people),
            "similarity": round(self.similarity, 4),
            "verdict": self.verdict,
            **probability,
        }


def match_of(rank: int, hit: dict[str, Any], field: FaceField, judged: Shared) -> Match:
    """
    Args:
        hit: of the answer to `search_body`.
    """
    fields = {name: values for name, values in hit.get("fields", {}).items() if values}
    face, position = _face(hit, field)
    count = fields.get(field.at("face_count"), [position + 1])[0]
    sizes = [fields.get(field.at(f"photo.{side}"), [0])[0] for side in ("width", "height")]
    found = fields.get(field.at("photo.faces_found"), [None])[0]
    label, guess = ((face.get(said) or {}).get("name") for said in ("label", "match"))
    return Match(
        rank=rank,
        index=hit["_index"],
        document_id=hit["_id"],
        path=str(fields.get("file.path", [hit["_id"]])[0]),
        face=MatchedFace(str(face.get("id", "")), position, count, _box(face), face.get("crop")),
        # Elasticsearch's score is (1 + cosine) / 2.
        similarity=2 * hit["_score"] - 1,
        name=name_of_face(label, fields.get("person.name"), count, found, face.get("drawn") is True),
        guess=guess and nfc(str(guess)),
        people=tuple(sorted({nfc(str(name)) for name in fields.get(field.at("people"), []) if name})),
        photo_size=(sizes[0], sizes[1]) if all(sizes) else None,
        thumbnail=fields.get(field.at("thumbnail"), [None])[0],
        calibration=judged.calibration,
        thresholds=judged.thresholds,
    )


def _face(hit: dict[str, Any], field: FaceField) -> tuple[dict[str, Any], int]:
    """What is stored of the face that matched, and its position in the document."""
    if field.nested:
        inner = hit["inner_hits"][field.at("faces")]["hits"]["hits"][0]
        return inner.get("_source", {}), inner["_nested"]["offset"]
    return below(hit.get("_source", {}), field.at("face")) or {}, 0


def _box(face: dict[str, Any]) -> tuple[int, int, int, int] | None:
    box = face.get("box")
    return (box["x"], box["y"], box["width"], box["height"]) if box else None
