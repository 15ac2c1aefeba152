"""A photo's fingerprint, ``photo.fingerprint``: 64 bits, few of which change when a picture is resized or
compressed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from faces.searchable import Searchable

FINGERPRINT = "photo.fingerprint"
BITS = 64
SAME_PHOTO_BITS = 6
"""Copies differ in at most so many. In the sample they differ in at most 2, shrunk and blurred ones included,
and different photos in at least 16."""
MOST_CANDIDATES = 10_000
"""Of a kNN; Elasticsearch takes no more."""


def hexadecimal(bits: str | list[int] | None) -> str | None:
    """A bit vector: Elasticsearch 8 returns it as it was sent, 9 as bytes from -128 to 127."""
    return bytes(byte % 256 for byte in bits).hex() if isinstance(bits, list) else bits


def differing_bits(one: str, other: str) -> int:
    """Between two fingerprints in hexadecimal, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def fields(where: Searchable) -> dict[str, list[str]]:
    """Each field with fingerprints -> the indices that have it."""
    found: dict[str, set[str]] = defaultdict(set)
    for field in where.fields:
        found[field.at(FINGERPRINT)] |= set(field.indices)
    return {name: sorted(indices) for name, indices in sorted(found.items())}


def with_fingerprint(where: Searchable) -> dict[str, Any]:
    """A query for the photos that have one."""
    return _any_of(where, lambda name: {"exists": {"field": name}})


def near(where: Searchable, fingerprint: str, size: int, bits: int = SAME_PHOTO_BITS) -> dict[str, Any]:
    """A query for the photos whose fingerprints differ in at most ``bits`` bits, ``size`` of each shard."""
    knn = {
        "query_vector": fingerprint,
        "k": size,
        "num_candidates": min(MOST_CANDIDATES, max(100, 2 * size)),
        # Of bits, Elasticsearch's similarity is the number of those that differ.
        "similarity": bits,
    }
    return _any_of(where, lambda name: {"knn": {"field": name, **knn}})


def _any_of(where: Searchable, query: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """``query`` of each field, over the indices that have it: in another one a field of this name may be no
    fingerprint."""
    each = [
        {"bool": {"filter": [{"terms": {"_index": indices}}], "must": [query(name)]}}
        for name, indices in fields(where).items()
    ]
    return {"bool": {"should": each}}
