"""A person's portraits, each compared with the others: one that is unlike them may be somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.calibration.indices import shared
from faces.error_rates.similarity import normalized
from faces.explore.stored_faces import FIELDS, held, stored
from faces.gallery.people import Gallery
from faces.names import all_names
from faces.pages import every_hit
from faces.searchable import newest_first
from ingest_service.verdicts import Verdict


@dataclass(frozen=True)
class ShownPortrait:
    """
    path: of the file, if it was sent; date: its ``@timestamp``.
    quality: the score, 0 to 1.
    similarity: to the mean of the person's other portraits of the same model, -1 to 1; None without others.
    """

    index: str
    id: str
    path: str | None
    date: str | None
    tags: tuple[str, ...]
    quality: float | None
    similarity: float | None
    verdict: Verdict | None

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.id,
            "path": self.path,
            "date": self.date,
            "tags": list(self.tags),
            "quality": self.quality,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "verdict": self.verdict,
        }


def portraits_of(gallery: Gallery, name: str) -> list[ShownPortrait]:
    """A person's portraits, newest first."""
    judged = shared(gallery.where.recorded)
    hits = list(_hits(gallery, name))
    similarities = _to_the_others(hits, gallery)
    found = []
    for hit, similarity in zip(hits, similarities, strict=True):
        fields = hit.get("fields", {})
        (face,) = held(hit.get("_source", {}), gallery.field)
        found.append(
            ShownPortrait(
                index=hit["_index"],
                id=hit["_id"],
                path=_first(fields, "file.path"),
                date=_first(fields, gallery.field.at("@timestamp")),
                tags=tuple(all_names(fields.get("tags"))),
                quality=(face.get("quality") or {}).get("score"),
                similarity=similarity,
                verdict=None if similarity is None else judged.thresholds.verdict(similarity),
            )
        )
    return found


def _hits(gallery: Gallery, name: str) -> Iterator[dict[str, Any]]:
    at = gallery.field.at
    return every_hit(
        gallery.es,
        gallery.name,
        gallery.portraits_of(name),
        sort=newest_first(gallery.field),
        # Elasticsearch 9 leaves vectors out unless it is told not to.
        source={"includes": [*stored(gallery.field), at("model.id")], "exclude_vectors": False},
        fields=[*FIELDS, {"field": "tags"}, {"field": at("@timestamp")}],
    )


def _to_the_others(hits: list[dict[str, Any]], gallery: Gallery) -> list[float | None]:
    vectors = [held(hit["_source"], gallery.field)[0]["vector"] for hit in hits]
    models = np.array([str(hit["_source"].get("model", {}).get("id")) for hit in hits])
    similarities: list[float | None] = [None] * len(hits)
    for model in np.unique(models):
        own = np.flatnonzero(models == model)
        if len(own) > 1:
            units = normalized(np.array([vectors[one] for one in own], dtype=np.float32))
            others = normalized(units.sum(axis=0) - units)
            for one, similarity in zip(own, (units * others).sum(axis=1), strict=True):
                similarities[one] = float(similarity)
    return similarities


def _first(fields: dict[str, Any], name: str) -> str | None:
    return str(fields[name][0]) if fields.get(name) else None
