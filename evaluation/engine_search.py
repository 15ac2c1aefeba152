"""The same searches through a real Elasticsearch, compared with exact ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from faces.error_rates.arrays import People, Positions, Scores, Vectors
from faces.error_rates.identification import Misses, Searches, open_set, roles, searches_by
from faces.error_rates.similarity import cosine, without_face

INDEX = "faces-evaluation"
"""Matches the archive's template, so that vectors are indexed as users' are. Deleted at the end."""
HITS = 10
CANDIDATES = 200
"""Per shard; docs/queries.md uses 100 for ten hits."""
AT_ONCE = 200
ENROLLED = "enrolled"
"""The tag of the one photo of each enrolled person, which is the gallery of the searches for FNIR and
FPIR."""


@dataclass(frozen=True)
class EngineResult:
    """
    searches: number of searches; failed: those with a photo without a face.
    rank1: the share whose first hit is of the same person.
    precision_at_5: the mean share of the same person's among the first five hits, or as many as could be.
    recall_at_10: the share of the ten nearest by exact comparison that were among the ten hits.
    largest_error: of a similarity, against the exact cosine.
    misses: as `identification.open_set` counts them, with one photo enrolled a person; empty where only a
        part of the photos was indexed.
    """

    searches: int
    failed: int
    rank1: float
    precision_at_5: float
    recall_at_10: float
    largest_error: float
    misses: tuple[Misses, ...] = ()

    @property
    def summary(self) -> str:
        text = (
            f"{self.searches:,} searches, rank 1 {self.rank1:.4f}, precision@5 {self.precision_at_5:.4f}, "
            f"recall@10 of exact search {self.recall_at_10:.4f}, similarities off by at "
            f"most {self.largest_error:.1e}"
        )
        rates = [f"{one.fnir:.4f} at FPIR {one.fpir:g}" for one in self.misses if one.fnir is not None]
        return text + (f"; with one photo enrolled a person, FNIR {', '.join(rates)}" if rates else "")


def search_index(
    es: Elasticsearch, vectors: Vectors, people: People, indexed: Positions, queries: Positions
) -> EngineResult:
    """Indexes the vectors of ``indexed`` and searches with those of ``queries``. A photo doesn't find itself.

    A query without a face (NaN) counts as a search that finds no one.
    """
    indexed = np.sort(indexed)
    usable = indexed[~without_face(vectors[indexed])]
    with_face = queries[~without_face(vectors[queries])]
    exact = cosine(vectors[with_face], vectors[usable])
    exact[with_face[:, np.newaxis] == usable[np.newaxis, :]] = -np.inf
    es.options(ignore_status=404).indices.delete(index=INDEX)
    try:
        es.indices.create(index=INDEX, settings={"default_pipeline": "_none"})
        enrolled = roles(people).enrolled
        bulk(es, _documents(vectors, usable, set(enrolled.tolist())), refresh=True)
        right, precision, recall, error = [], [], [], 0.0
        for row, (photo, hits) in enumerate(_answers(es, vectors, with_face, _among_all)):
            nearest = set(usable[np.argsort(-exact[row], kind="stable")[:HITS]].tolist())
            found = [(position, score) for position, score in hits if position != photo][:HITS]
            own = [people[position] == people[photo] for position, _ in found]
            within = min(5, int(np.sum(people[indexed] == people[photo])) - int(photo in indexed))
            right.append(bool(own) and own[0])
            precision.append(sum(own[:within]) / within if within else 0.0)
            recall.append(len(nearest & {position for position, _ in found}) / len(nearest))
            columns = np.searchsorted(usable, [position for position, _ in found])
            differences = exact[row, columns] - np.array([score for _, score in found])
            error = max(error, float(np.abs(differences).max(initial=0)))
        complete = np.isin(np.arange(len(people)), indexed).all()
        misses = open_set(_open_searches(es, vectors, people)).misses if complete else ()
    finally:
        es.options(ignore_status=404).indices.delete(index=INDEX)
    return EngineResult(
        len(queries),
        len(queries) - len(with_face),
        float(np.sum(right)) / len(queries),
        float(np.sum(precision)) / len(queries),
        float(np.mean(recall)) if recall else 0.0,
        error,
        misses,
    )


def _open_searches(es: Elasticsearch, vectors: Vectors, people: People) -> Searches:
    """As `identification.search`, through the index."""
    return searches_by(lambda photos: _best_hits(es, vectors, photos), vectors, people, roles(people))


def _best_hits(es: Elasticsearch, vectors: Vectors, photos: Positions) -> tuple[Positions, Scores]:
    """(photos,) each: the best hit among the enrolled, -1 without one, and its similarity, -inf
    without one."""
    hits = np.full(len(photos), -1)
    scores = np.full(len(photos), -np.inf, dtype=np.float32)
    with_face = np.flatnonzero(~without_face(vectors[photos]))
    answers = _answers(es, vectors, photos[with_face], _among_enrolled)
    for place, (_, found) in zip(with_face, answers, strict=True):
        if found:
            hits[place], scores[place] = found[0]
    return hits, scores


def _documents(vectors: Vectors, photos: Positions, enrolled: set[int]) -> Iterator[dict[str, Any]]:
    for photo in photos.tolist():
        face = {"id": str(photo), "vector": vectors[photo].tolist()}
        tags = [ENROLLED] if photo in enrolled else []
        yield {"_index": INDEX, "_id": str(photo), "face_count": 1, "faces": [face], "tags": tags}


def _answers(
    es: Elasticsearch, vectors: Vectors, photos: Positions, search: Callable[[list[float]], dict[str, Any]]
) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """Each photo with its hits, best first: (position, cosine)."""
    for start in range(0, len(photos), AT_ONCE):
        some = photos[start : start + AT_ONCE]
        searches: list[dict[str, Any]] = []
        for photo in some:
            searches += [{"index": INDEX}, search(vectors[photo].tolist())]
        answers = es.msearch(searches=searches)["responses"]
        for photo, answer in zip(some.tolist(), answers, strict=True):
            yield photo, list(_hits(answer["hits"]["hits"]))


def _among_all(vector: list[float]) -> dict[str, Any]:
    """One hit more than wanted, since one is the photo itself."""
    knn = {"field": "faces.vector", "k": HITS + 1, "num_candidates": CANDIDATES, "query_vector": vector}
    return {"size": HITS + 1, "knn": knn, "_source": False}


def _among_enrolled(vector: list[float]) -> dict[str, Any]:
    knn = {"field": "faces.vector", "k": 1, "num_candidates": CANDIDATES, "query_vector": vector}
    return {"size": 1, "knn": knn | {"filter": {"term": {"tags": ENROLLED}}}, "_source": False}


def _hits(hits: Iterable[dict[str, Any]]) -> Iterator[tuple[int, float]]:
    for hit in hits:
        yield int(hit["_id"]), 2 * hit["_score"] - 1
