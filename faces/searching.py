"""Searches an index for the faces most similar to that of a photo."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import ConnectionFailed, Service
from es_setup.mappings import find
from es_setup.models import model_of
from faces.calibration.record import Calibration
from faces.photos import PhotoFile
from ingest_service.errors import UserError
from ingest_service.verdicts import UNCALIBRATED


class NoFaces(UserError):
    """The index has no field [faces.vector] to search; the message says what to do."""


@dataclass(frozen=True)
class Match:
    """A photo that was found, with its most similar face.

    similarity: cosine, -1 to 1.
    box: x, y, width, height of that face in pixels of the upright photo, whose width and height are
        ``photo_size``.
    thumbnail: base64 JPEG.
    calibration: the index's, if it has one.
    """

    rank: int
    document_id: str
    path: str
    name: str | None
    similarity: float
    box: tuple[int, int, int, int]
    photo_size: tuple[int, int]
    thumbnail: str
    calibration: Calibration | None = None

    @property
    def verdict(self) -> str:
        """``strong``, ``possible`` or ``unlikely``."""
        thresholds = self.calibration.thresholds if self.calibration else UNCALIBRATED
        return thresholds.verdict(self.similarity)

    @property
    def probability(self) -> float | None:
        """That both photos show one person, 0 to 1, at even prior odds; None without a calibration."""
        return self.calibration.probability(self.similarity) if self.calibration else None

    def as_json(self) -> dict[str, Any]:
        probability = {} if self.probability is None else {"probability": round(self.probability, 4)}
        return {
            "rank": self.rank,
            "id": self.document_id,
            "path": self.path,
            "name": self.name,
            "similarity": round(self.similarity, 4),
            "verdict": self.verdict,
            **probability,
        }


@dataclass(frozen=True)
class QueryResult:
    """A photo that was searched for, and what was found.

    box: its face: x, y, width, height in pixels of the upright photo, if known.
    note: why there are no matches, if there are none.
    """

    photo: PhotoFile
    matches: list[Match]
    box: tuple[float, float, float, float] | None = None
    note: str = "no match"

    @property
    def correct(self) -> bool | None:
        """Whether the best match is the photo's person; None if the photo has no label."""
        if self.photo.label is None:
            return None
        return bool(self.matches) and self.matches[0].name == self.photo.label


def query_body(photo: bytes, k: int, model: str | None = None) -> dict[str, Any]:
    """The body of the ``_search``: kNN over all faces, with the photo's largest face as the query.

    ``inner_hits`` tells which face matched. The answer has no ``image`` and no vectors.
    """
    face = {"image": base64.b64encode(photo).decode("ascii")} | ({"model": model} if model else {})
    inner = {"_source": ["faces.box", "faces.label.name"], "size": 1}
    return {
        "size": k,
        "knn": {
            "field": "faces.vector",
            "k": k,
            "num_candidates": max(100, 10 * k),
            "query_vector_builder": {"face": face},
            "inner_hits": inner,
        },
        # As fields: these read both "file": {"path"} and "file.path", whichever was sent.
        "fields": ["file.path", "thumbnail", "photo.width", "photo.height"],
        "_source": False,
    }


def search(
    es: Elasticsearch,
    photo: bytes,
    k: int = 5,
    index: str = "faces",
    calibration: Calibration | None = None,
) -> list[Match]:
    """The ``k`` photos with the faces most similar to the largest face of ``photo``, best first.

    Args:
        calibration: the index's, if it has one.

    Raises:
        NoFaces: ``index`` has no field [faces.vector], such as a gallery, or an index with a target field.
        MixedModels: ``index`` holds vectors of several models.
        elasticsearch.ApiError: 400 if the photo can't be read or has no face, 429 if the service is busy or
            down.
    """
    mappings = es.indices.get_mapping(index=index).values()
    if not any(find(found["mappings"].get("properties", {}), "faces.vector") for found in mappings):
        raise NoFaces(f"[{index}] has no field [faces.vector]: search an archive of photos, such as [faces]")
    body = query_body(photo, k, model_of(es, index))
    hits = es.search(index=index, body=body)["hits"]["hits"]
    return [_match(rank, hit, calibration) for rank, hit in enumerate(hits, start=1)]


def query_box(service: Service, photo: bytes) -> tuple[float, float, float, float] | None:
    """The face that a search with ``photo`` looks for; None without one, or if the service doesn't answer."""
    try:
        faces = service.faces(photo)
    except ConnectionFailed:
        return None
    box = faces[0]["box"] if faces else None
    return (box["x"], box["y"], box["width"], box["height"]) if box else None


def calibration_as_json(calibration: Calibration | None) -> dict[str, Any]:
    """What the verdicts are based on, for scripts."""
    if calibration is None:
        return {"calibrated": False}
    return {"calibrated": True, "calibration": calibration.as_meta()}


def _match(rank: int, hit: dict[str, Any], calibration: Calibration | None) -> Match:
    fields = hit["fields"]
    face = hit["inner_hits"]["faces"]["hits"]["hits"][0]["_source"]
    box = face["box"]
    return Match(
        rank=rank,
        document_id=hit["_id"],
        path=fields.get("file.path", [hit["_id"]])[0],
        name=face.get("label", {}).get("name"),
        # Elasticsearch's score is (1 + cosine) / 2.
        similarity=2 * hit["_score"] - 1,
        box=(box["x"], box["y"], box["width"], box["height"]),
        photo_size=(fields["photo.width"][0], fields["photo.height"][0]),
        thumbnail=fields["thumbnail"][0],
        calibration=calibration,
    )
