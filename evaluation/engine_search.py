"""The same searches through a real Elasticsearch: does the index find what an exact comparison finds?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from evaluation.curve import People
from evaluation.identification import Positions, Vectors, cosine

INDEX = "faces-evaluation"
"""Of the archive's template, so that vectors are indexed as they are for everybody; gone at the end."""
HITS = 10
CANDIDATES = 200
"""Per shard; what docs/queries.md takes for ten hits is 100."""
AT_ONCE = 200


@dataclass(frozen=True)
class Found:
    """
    searches: number of searches, each with a photo that has a face.
    rank1: the share whose first hit is of the same person.
    recall_at_10: the share of the ten nearest by exact comparison that were among the ten hits.
    largest_error: of a similarity, against the exact cosine.
    """

    searches: int
    failed: int
    rank1: float
    recall_at_10: float
    largest_error: float


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
        bulk(es, _documents(vectors, usable), refresh=True)
        right, recall, error = [], [], 0.0
        for row, (photo, hits) in enumerate(_answers(es, vectors, with_face)):
            nearest = set(usable[np.argsort(-exact[row], kind="stable")[:HITS]].tolist())
            found = [(position, score) for position, score in hits if position != photo][:HITS]
            right.append(bool(found) and people[found[0][0]] == people[photo])
            recall.append(len(nearest & {position for position, _ in found}) / len(nearest))
            columns = np.searchsorted(usable, [position for position, _ in found])
            differences = exact[row, columns] - np.array([score for _, score in found])
            error = max(error, float(np.abs(differences).max(initial=0)))
    finally:
        es.options(ignore_status=404).indices.delete(index=INDEX)
    return Found(
        len(queries),
        len(queries) - len(with_face),
        float(np.sum(right)) / len(queries),
        float(np.mean(recall)) if recall else 0.0,
        error,
    )


def _documents(vectors: Vectors, photos: Positions) -> Iterator[dict[str, Any]]:
    for photo in photos.tolist():
        face = {"id": str(photo), "vector": vectors[photo].tolist()}
        yield {"_index": INDEX, "_id": str(photo), "face_count": 1, "faces": [face]}


def _answers(
    es: Elasticsearch, vectors: Vectors, photos: Positions
) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """Each photo with its hits, best first: (position, cosine); one more than wanted, as one is itself."""
    for start in range(0, len(photos), AT_ONCE):
        some = photos[start : start + AT_ONCE]
        searches: list[dict[str, Any]] = []
        for photo in some:
            searches += [{"index": INDEX}, _search(vectors[photo].tolist())]
        answers = es.msearch(searches=searches)["responses"]
        for photo, answer in zip(some.tolist(), answers, strict=True):
            yield photo, list(_hits(answer["hits"]["hits"]))


def _search(vector: list[float]) -> dict[str, Any]:
    knn = {"field": "faces.vector", "k": HITS + 1, "num_candidates": CANDIDATES, "query_vector": vector}
    return {"size": HITS + 1, "knn": knn, "_source": False}


def _hits(hits: Iterable[dict[str, Any]]) -> Iterator[tuple[int, float]]:
    for hit in hits:
        yield int(hit["_id"]), 2 * hit["_score"] - 1
