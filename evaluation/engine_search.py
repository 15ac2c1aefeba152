"""The same searches through a real Elasticsearch: does the index find what an exact comparison finds?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from faces.error_rates.det_curve import People, Scores
from faces.error_rates.identification import Misses, Positions, Searches, Vectors, cosine, open_set, roles

INDEX = "faces-evaluation"
"""Of the archive's template, so that vectors are indexed as they are for everybody; gone at the end."""
HITS = 10
CANDIDATES = 200
"""Per shard; what docs/queries.md takes for ten hits is 100."""
AT_ONCE = 200
ENROLLED = "enrolled"
"""The tag of the one photo of each person that searches for misses and false hits are among."""


@dataclass(frozen=True)
class Found:
    """
    searches: number of searches, each with a photo that has a face.
    rank1: the share whose first hit is of the same person.
    precision_at_5: the mean share of the same person's among the first five hits, or as many as could be.
    recall_at_10: the share of the ten nearest by exact comparison that were among the ten hits.
    largest_error: of a similarity, against the exact cosine.
    misses: of searches among one photo a person, as `identification.open_set` has them; none where only a
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
    def words(self) -> str:
        said = (
            f"{self.searches:,} searches, rank 1 {self.rank1:.4f}, precision@5 {self.precision_at_5:.4f}, "
            f"recall@10 of exact search {self.recall_at_10:.4f}, similarities off by "
            f"{self.largest_error:.1e} at most"
        )
        rates = [f"{one.fnir:.4f} at FPIR {one.fpir:g}" for one in self.misses if one.fnir is not None]
        return said + (f"; with one photo enrolled of each, FNIR {', '.join(rates)}" if rates else "")


def search_index(
    es: Elasticsearch, vectors: Vectors, people: People, indexed: Positions, queries: Positions
) -> Found:
    """Indexes the vectors of ``indexed`` and searches with those of ``queries``. A photo doesn't find itself.

    A query without a face (NaN) counts as a search that found nobody.
    """
    indexed = np.sort(indexed)
    usable = indexed[~np.isnan(vectors[indexed]).any(axis=1)]
    with_face = queries[~np.isnan(vectors[queries]).any(axis=1)]
    exact = cosine(vectors[with_face], vectors[usable])
    exact[with_face[:, np.newaxis] == usable[np.newaxis, :]] = -np.inf
    es.options(ignore_status=404).indices.delete(index=INDEX)
    try:
        es.indices.create(index=INDEX, settings={"default_pipeline": "_none"})
        enrolled = roles(people).enrolled
        bulk(es, _documents(vectors, usable, set(enrolled.tolist())), refresh=True)
        right, precision, recall, error = [], [], [], 0.0
        for row, (photo, hits) in enumerate(_answers(es, vectors, with_face, _everybody)):
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
        everybody = np.isin(np.arange(len(people)), indexed).all()
        misses = open_set(_open_searches(es, vectors, people)).misses if everybody else ()
    finally:
        es.options(ignore_status=404).indices.delete(index=INDEX)
    return Found(
        len(queries),
        len(queries) - len(with_face),
        float(np.sum(right)) / len(queries),
        float(np.sum(precision)) / len(queries),
        float(np.mean(recall)) if recall else 0.0,
        error,
        misses,
    )


def _open_searches(es: Elasticsearch, vectors: Vectors, people: People) -> Searches:
    """What `identification.search` compares exactly, by the index."""
    parts = roles(people)
    hits, scores = _first_hits(es, vectors, parts.probes)
    alarms, alarm_scores = _first_hits(es, vectors, parts.strangers)
    right = (hits >= 0) & (people[hits] == people[parts.probes])
    return Searches(
        len(parts.enrolled),
        *(parts.probes, people[parts.probes], hits, scores, right),
        *(parts.strangers, people[parts.strangers], alarms, alarm_scores),
    )


def _first_hits(es: Elasticsearch, vectors: Vectors, photos: Positions) -> tuple[Positions, Scores]:
    """(photos,) each: the first hit among the enrolled, -1 without one, and its similarity, -inf without."""
    hits = np.full(len(photos), -1)
    scores = np.full(len(photos), -np.inf, dtype=np.float32)
    with_face = np.flatnonzero(~np.isnan(vectors[photos]).any(axis=1))
    answers = _answers(es, vectors, photos[with_face], _enrolled)
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


def _everybody(vector: list[float]) -> dict[str, Any]:
    """One hit more than wanted, as one is the photo itself."""
    knn = {"field": "faces.vector", "k": HITS + 1, "num_candidates": CANDIDATES, "query_vector": vector}
    return {"size": HITS + 1, "knn": knn, "_source": False}


def _enrolled(vector: list[float]) -> dict[str, Any]:
    knn = {"field": "faces.vector", "k": 1, "num_candidates": CANDIDATES, "query_vector": vector}
    return {"size": 1, "knn": knn | {"filter": {"term": {"tags": ENROLLED}}}, "_source": False}


def _hits(hits: Iterable[dict[str, Any]]) -> Iterator[tuple[int, float]]:
    for hit in hits:
        yield int(hit["_id"]), 2 * hit["_score"] - 1
