"""The portraits of a gallery, each read once as long as its document stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from faces.many_searches import search_all
from faces.names import all_names

KEPT = 20_000
"""Portraits in memory: 10 MB of vectors with 128 numbers."""
READ_AT_ONCE = 200
FIELDS = ["vector", "person.name", "tags"]

Unit = NDArray[np.float32]
"""(dims,), of length 1."""


def unit(vector: Any) -> Unit:
    """In length 1; zeros stay."""
    numbers = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(numbers.astype(np.float64)))
    return np.asarray(numbers / length if length else numbers, dtype=np.float32)


def dot(one: Unit, other: Unit) -> float:
    return float(one.astype(np.float64) @ other.astype(np.float64))


@dataclass(frozen=True)
class Found:
    """A version of a portrait, as yet unread."""

    index: str
    id: str
    seq_no: int
    primary_term: int

    @classmethod
    def of(cls, hit: dict[str, Any]) -> Found:
        return cls(hit["_index"], hit["_id"], hit["_seq_no"], hit["_primary_term"])


@dataclass(frozen=True, eq=False)
class Portrait:
    """name: in the form in which names are stored; None if it has none."""

    index: str
    id: str
    name: str | None
    tags: tuple[str, ...]
    vector: Unit


class Portraits:
    """Reads portraits, and keeps those that it has read."""

    def __init__(self, es: Elasticsearch) -> None:
        self._es = es
        self._kept: dict[Found, Portrait] = {}

    def read(self, wanted: Iterable[Found]) -> dict[Found, Portrait]:
        """Those that are still there and have a vector, in this order."""
        order = list(dict.fromkeys(wanted))
        known = {found: self._kept[found] for found in order if found in self._kept}
        missing = sorted((found for found in order if found not in known), key=lambda found: found.index)
        for index, of_index in groupby(missing, key=lambda found: found.index):
            here = {found.id: found for found in of_index}
            for portrait in self._search(index, list(here)):
                known[here[portrait.id]] = portrait
        if len(self._kept) + len(missing) > KEPT:
            self._kept.clear()
        self._kept |= {found: known[found] for found in missing if found in known}
        return {found: known[found] for found in order if found in known}

    def _search(self, index: str, ids: Sequence[str]) -> Iterable[Portrait]:
        bodies = [
            {
                "query": {"ids": {"values": list(ids[start : start + READ_AT_ONCE])}},
                "size": READ_AT_ONCE,
                "_source": False,
                "fields": FIELDS,
                "track_total_hits": False,
            }
            for start in range(0, len(ids), READ_AT_ONCE)
        ]
        for hits in search_all(self._es, index, bodies):
            for hit in hits:
                fields = hit.get("fields", {})
                vector = _numbers(fields.get("vector"))
                if vector:
                    names = all_names(fields.get("person.name"))
                    tags = tuple(str(tag) for tag in fields.get("tags", []))
                    yield Portrait(index, hit["_id"], next(iter(names), None), tags, unit(vector))


def _numbers(values: Any) -> list[float]:
    """The values of a field with a vector: the numbers or, in a later version, one list of them."""
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return values if isinstance(values, list) else []
