"""Who looks like this: a photo as the query, the most similar faces as the answer."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.mappings import find
from es_setup.models import model_of
from faces.calibration.record import Calibration
from ingest_service.errors import UserError
from ingest_service.verdicts import UNCALIBRATED


class NoFaces(UserError):
    """An index whose documents keep no faces where they are searched; the message says so."""


@dataclass(frozen=True)
class Match:
    """One photo, by its face that is most similar.

    similarity: cosine, -1 to 1.
    box: x, y, width, height of that face in pixels of the upright photo of size ``photo_size``.
    thumbnail: base64 JPEG.
    calibration: what verdict and probability go by, if the index has one.
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
        lines = self.calibration.thresholds if self.calibration else UNCALIBRATED
        return lines.verdict(self.similarity)

    @property
    def probability(self) -> float | None:
        """Of the same person, 0 to 1, as likely as not before; None without a calibration."""
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


def query_body(photo: bytes, k: int, model: str | None = None) -> dict[str, Any]:
    """The body of the ``_search``: kNN over all faces, the photo's largest face as the query.

    ``inner_hits`` names the face that matched. ``image`` and the vectors stay where they are.
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
        # As fields, which read what was sent as "file": {"path"} and as "file.path" alike.
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
    """The ``k`` photos whose faces are most similar to the largest face of ``photo``, best first.

    Args:
        calibration: that of ``index``, if it has one.

    Raises:
        NoFaces: ``index`` has no vectors in ``faces``, as a gallery, or an index with a target field.
        MixedModels: ``index`` holds vectors of several models.
        elasticsearch.ApiError: 400 if the photo can't be read or has no face, 429 if the endpoint can't
            answer now.
    """
    mappings = es.indices.get_mapping(index=index).values()
    if not any(find(found["mappings"].get("properties", {}), "faces.vector") for found in mappings):
        raise NoFaces(f"[{index}] has no field [faces.vector] to search: take an archive, such as [faces]")
    body = query_body(photo, k, model_of(es, index))
    hits = es.search(index=index, body=body)["hits"]["hits"]
    return [_match(rank, hit, calibration) for rank, hit in enumerate(hits, start=1)]


def calibrated(calibration: Calibration | None) -> dict[str, Any]:
    """What a script is told of the verdicts of matches."""
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
        # Elasticsearch's score of a cosine is (1 + cosine) / 2.
        similarity=2 * hit["_score"] - 1,
        box=(box["x"], box["y"], box["width"], box["height"]),
        photo_size=(fields["photo.width"][0], fields["photo.height"][0]),
        thumbnail=fields["thumbnail"][0],
        calibration=calibration,
    )
