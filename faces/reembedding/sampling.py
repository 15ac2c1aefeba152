"""What is compared before the aliases move: whether the new index finds what is nearest, and whether its
model tells the labelled people apart as well as the old one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from faces.error_rates.arrays import Scores, Vectors
from faces.error_rates.ranking import leave_one_out
from faces.error_rates.similarity import normalized
from faces.explore.stored_faces import FIELDS, Face, of_document, stored
from faces.many_searches import search_all
from faces.pages import every_hit
from faces.reembedding.run import Move
from faces.searchable import FaceField, searchable

SEARCHES = 100
"""Faces whose neighbours are looked for."""
NEIGHBOURS = 10
MOST_LABELLED = 2_000
"""Labelled faces that are compared with each other."""
FEWEST_LABELLED = 20
"""With fewer a share says nothing."""
LEAST_RECALL = 0.95
MOST_LOST = 0.02
"""Share of labelled faces that may find somebody else first, beyond those that did before."""
SAME = 1e-4
"""Similarities that differ by less are the same: the index rounds them."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Sample:
    """Of one pair of indices.

    faces: whose neighbours were looked for; recall: share of the `NEIGHBOURS` nearest, by comparing with
        every vector, that a kNN search returns; None without faces.
    labelled: faces of people with several; rank1_before, rank1_after: share of them whose most similar face
        on another photo is the same person's; None with fewer than `FEWEST_LABELLED`.
    """

    source: str
    target: str
    faces: int
    recall: float | None
    labelled: int
    rank1_before: float | None
    rank1_after: float | None

    @property
    def problems(self) -> list[str]:
        """Why the move should wait."""
        found = []
        if self.recall is not None and self.recall < LEAST_RECALL:
            found.append(
                f"searches of [{self.target}] find {100 * self.recall:.1f} % of the nearest {NEIGHBOURS} "
                f"faces, less than {100 * LEAST_RECALL:g} %"
            )
        before, after = self.rank1_before, self.rank1_after
        if before is not None and after is not None and after < before - MOST_LOST:
            found.append(
                f"in [{self.target}] the most similar face is the same person's for {100 * after:.1f} % of "
                f"{self.labelled} labelled faces, in [{self.source}] for {100 * before:.1f} %"
            )
        return found

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def sample(es: Elasticsearch, move: Move) -> Sample:
    """Compares an index with the one that takes its place."""
    es.indices.refresh(index=f"{move.source},{move.target}")
    recalls = [
        recall for field in searchable(es, move.target).fields if (recall := _recall(es, move.target, field))
    ]
    faces = sum(count for count, _ in recalls)
    before, after, people = _labelled(es, move)
    return Sample(
        source=move.source,
        target=move.target,
        faces=faces,
        recall=round(sum(count * share for count, share in recalls) / faces, 4) if faces else None,
        labelled=len(people),
        rank1_before=_rank1(before, people),
        rank1_after=_rank1(after, people),
    )


def _recall(es: Elasticsearch, index: str, field: FaceField) -> tuple[int, float] | None:
    """Number of searches, and the share of the nearest documents that they find; None without faces."""
    queries = _some_vectors(es, index, field)
    if not len(queries):
        return None
    nearest = _nearest(es, index, field, queries)
    found = search_all(es, index, [_knn(field, vector) for vector in queries.tolist()])
    # By their similarity, and not by which they are: copies of a photo are as near as each other.
    shares = [
        sum(2 * hit["_score"] - 1 >= similar[-1] - SAME for hit in hits) / len(similar)
        for similar, hits in zip(nearest, found, strict=True)
    ]
    return len(queries), float(np.mean(shares))


def _some_vectors(es: Elasticsearch, index: str, field: FaceField) -> Vectors:
    """(n, dims), n at most `SEARCHES`: of random documents, the same in each run."""
    query = {"function_score": {"query": field.with_faces, "random_score": {"seed": 1, "field": "_seq_no"}}}
    hits = es.search(index=index, query=query, size=SEARCHES, source=_source(field), fields=FIELDS)["hits"]
    vectors = [vector for hit in hits["hits"] for _, vector in of_document(hit, field)]
    return np.array(vectors[:SEARCHES], dtype=np.float32)


def _nearest(es: Elasticsearch, index: str, field: FaceField, queries: Vectors) -> Scores:
    """(n, `NEIGHBOURS` or fewer): of each query the similarities of the nearest documents, best first, by
    comparing it with every face."""
    units = normalized(queries)
    best: Scores = np.empty((len(units), 0), dtype=np.float32)
    for names, vectors in _pages(es, index, field):
        similar = units @ normalized(vectors).T
        # A document counts once, with the face that is most similar.
        _, firsts = np.unique(names, return_index=True)
        firsts.sort()
        best = np.concatenate([best, np.maximum.reduceat(similar, firsts, axis=1)], axis=1)
        best = -np.sort(-best, axis=1)[:, :NEIGHBOURS]
    return best


def _pages(es: Elasticsearch, index: str, field: FaceField) -> Iterator[tuple[list[str], Vectors]]:
    """Ids of documents, one for each face, with the faces' vectors, some documents at a time."""
    hits = every_hit(es, index, field.with_faces, source=_source(field), fields=FIELDS)
    names: list[str] = []
    vectors: list[list[float]] = []
    with closing(hits):
        for hit in hits:
            for _, vector in of_document(hit, field):
                names.append(hit["_id"])
                vectors.append(vector)
            if len(names) >= SEARCHES:
                yield names, np.array(vectors, dtype=np.float32)
                names, vectors = [], []
    if names:
        yield names, np.array(vectors, dtype=np.float32)


def _knn(field: FaceField, vector: list[float]) -> dict[str, Any]:
    """As `faces search` asks."""
    knn: dict[str, Any] = {
        "knn": {"field": field.vector, "query_vector": vector, "k": NEIGHBOURS, "num_candidates": 100}
    }
    if field.nested:
        knn = {"nested": {"path": field.at("faces"), "query": knn}}
    return {"query": knn, "size": NEIGHBOURS, "_source": False}


def _labelled(es: Elasticsearch, move: Move) -> tuple[Vectors, Vectors, list[str]]:
    """(n, dims) of the old model and of the new one, for the same labelled faces, and whose they are."""
    after = dict(_named(es, move.target))
    pairs = [(face, old, after[key]) for key, (face, old) in _named(es, move.source) if key in after]
    names = [str(face.name) for face, _, _ in pairs]
    often = Counter(names)
    repeated = [at for at, name in enumerate(names) if often[name] > 1]
    return (
        np.array([pairs[at][1] for at in repeated], dtype=np.float32),
        np.array([pairs[at][2][1] for at in repeated], dtype=np.float32),
        [names[at] for at in repeated],
    )


def _named(es: Elasticsearch, index: str) -> Iterator[tuple[Key, tuple[Face, list[float]]]]:
    """Faces that people named, by document and face; of many those of the same photos in both indices."""
    for field in searchable(es, index).fields:
        named = {"exists": {"field": field.at("people")}}
        query = {"bool": {"filter": [field.with_faces, named]}}
        hits = es.search(
            index=index,
            query=query,
            size=MOST_LABELLED,
            sort=[{field.at("file.hash.sha256"): {"order": "asc", "unmapped_type": "keyword"}}],
            source=_source(field),
            fields=FIELDS,
        )["hits"]["hits"]
        for hit in hits:
            for face, vector in of_document(hit, field):
                if face.name:
                    yield (hit["_id"], face.id), (face, vector)


def _rank1(vectors: Vectors, people: Sequence[str]) -> float | None:
    if len(people) < FEWEST_LABELLED:
        return None
    _, numbers = np.unique(np.array(people, dtype=object), return_inverse=True)
    return round(float(leave_one_out(vectors, numbers).rank1.mean()), 4)


def _source(field: FaceField) -> dict[str, Any]:
    return {"includes": stored(field), "exclude_vectors": False}
