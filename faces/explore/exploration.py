"""What an index holds, and which of its names and photos may be wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.explore import index_faces
from faces.explore.index_faces import IndexFaces, MatchThreshold
from faces.explore.overview import Overview, overview
from faces.explore.suspects import NearDuplicate, Outlier, SamePhoto, near_duplicates, outliers, same_photos


@dataclass(frozen=True)
class Exploration:
    """What was found in an index. ``threshold``: from which on two faces match."""

    overview: Overview
    faces: IndexFaces
    threshold: MatchThreshold
    outliers: list[Outlier]
    near_duplicates: list[NearDuplicate]
    same_photos: list[SamePhoto]

    def as_json(self) -> dict[str, Any]:
        """Numbers, ids and names; no vectors and no pictures."""
        return {
            "index": self.faces.index,
            "model": self.faces.model,
            "overview": self.overview.as_json(),
            "faces": {"read": len(self.faces.faces), "total": self.faces.total},
            "threshold": asdict(self.threshold),
            "outliers": [
                {
                    **self._face(found.face),
                    "score": round(found.score, 4),
                    "similarity": round(found.own, 4),
                    "usual": round(found.usual, 4),
                    "closer_to": found.other,
                    "its_similarity": round(found.similarity, 4) if found.other else None,
                }
                for found in self.outliers
            ],
            "near_duplicates": [
                {
                    "faces": [self._face(found.first), self._face(found.second)],
                    "similarity": round(found.similarity, 4),
                }
                for found in self.near_duplicates
            ],
            "same_photos": [
                {
                    "faces": [self._face(found.first), self._face(found.second)],
                    "differing_bits": found.bits,
                    "same_file": found.same_file,
                    "conflict": found.conflict,
                }
                for found in self.same_photos
            ],
        }

    def _face(self, position: int) -> dict[str, Any]:
        face = self.faces.faces[position]
        return {"index": face.index, "document": face.document, "face": face.id, "name": face.name}


def explore(es: Elasticsearch, index: str, limit: int = index_faces.LIMIT) -> Exploration:
    """
    Args:
        limit: faces that are read and compared, those of the newest photos first.

    Raises:
        NothingToExplore: there is no such index, or it holds no faces.
        MixedModels: it holds vectors of several models.
    """
    faces = index_faces.read(es, index, limit)
    threshold = index_faces.match_threshold(es, index)
    return Exploration(
        overview=overview(es, index),
        faces=faces,
        threshold=threshold,
        outliers=outliers(faces),
        near_duplicates=near_duplicates(faces, threshold.similarity),
        same_photos=same_photos(faces),
    )
