"""Which faces are near which, by kNN searches: a sparse graph, and never all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from faces.decisions.documents import Key
from faces.grouping.pairs import Numbers
from faces.grouping.stored import StoredFaces
from faces.many_searches import AT_ONCE, search_all
from faces.searchable import FaceField, Searchable, archives

NEAREST = 20
"""Photos that are searched for, for each face: of a person with more, a face is near some of them, and these
near others."""
CANDIDATES = 60
"""Per shard. Of faces that are near each other, one usually finds the other where the other doesn't."""
DECIMALS = 6

Near = tuple[Numbers, Numbers, NDArray[np.float32]]
"""Faces, others that are near them, and their similarities: (pairs,) each."""


def searches(faces: StoredFaces) -> int:
    """How many parts `near` yields."""
    return -(-int(faces.unnamed.sum()) // AT_ONCE)


def near(es: Elasticsearch, where: Searchable, faces: StoredFaces, least: float) -> Iterator[Near]:
    """What is near each unnamed face; some faces at a time. Left out is what was indexed after the reading.

    Args:
        least: the lowest similarity, -1 to 1. It is computed here from the vectors, so it is exact.

    Raises:
        SearchFailed: Elasticsearch can't search.
    """
    numbers = {key: number for number, key in enumerate(faces.documents)}
    index = ",".join(sorted(where.recorded))
    fields = archives(where)
    unnamed = np.flatnonzero(faces.unnamed)
    for start in range(0, len(unnamed), AT_ONCE):
        some = unnamed[start : start + AT_ONCE]
        vectors = np.round(faces.vectors[some].astype(np.float64), DECIMALS).tolist()
        found = search_all(es, index, [_body(fields, vector, least) for vector in vectors])
        yield _measured(faces, some, found, numbers, least)


def _measured(
    faces: StoredFaces,
    some: NDArray[np.intp],
    found: list[list[dict[str, Any]]],
    numbers: dict[Key, int],
    least: float,
) -> Near:
    """
    Args:
        found: the documents near each of ``some`` faces; numbers: of the documents that were read.
    """
    asked, documents = [], []
    for face, hits in zip(some.tolist(), found, strict=True):
        for hit in hits:
            document = numbers.get((hit["_index"], hit["_id"]))
            if document is not None:
                asked.append(face)
                documents.append(document)
    others, places = faces.of_documents(np.array(documents, dtype=np.int32))
    ones = np.array(asked, dtype=np.int32)[places]
    similar = np.einsum("pd,pd->p", faces.vectors[ones], faces.vectors[others])
    wanted = (similar >= least) & (ones != others)
    return ones[wanted], others[wanted].astype(np.int32), similar[wanted].astype(np.float32)


def _body(fields: list[FaceField], vector: list[float], least: float) -> dict[str, Any]:
    each = [_knn(field, vector, least) for field in fields]
    return {
        # One more, as one is the face's own photo.
        "size": NEAREST + 1,
        "query": each[0] if len(each) == 1 else {"bool": {"should": each}},
        "_source": False,
        "track_total_hits": False,
    }


def _knn(field: FaceField, vector: list[float], least: float) -> dict[str, Any]:
    knn = {
        "field": field.vector,
        "query_vector": vector,
        "k": NEAREST + 1,
        "num_candidates": CANDIDATES,
        "similarity": least,
    }
    return {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": {"knn": knn}}}
