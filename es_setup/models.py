"""One model an index: which one it is of, by its mapping's ``_meta`` and by its documents.

Vectors of two models can't be compared, and Elasticsearch wouldn't notice: both have 128 numbers.
"""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

OURS = "ingest_face"
"""Our key in a mapping's ``_meta``; other keys there are other people's."""


class MixedModels(Exception):
    """An index holds vectors of several models, which can't be compared."""


def declared(es: Elasticsearch, index: str) -> dict[str, str | None]:
    """The model that each index behind ``index`` is of by its ``_meta``; None where none is recorded."""
    mappings = es.indices.get_mapping(index=index)
    return {name: recorded(found["mappings"]).get("model") for name, found in mappings.items()}


def recorded(mapping: dict[str, Any]) -> dict[str, Any]:
    """What we recorded in a mapping's ``_meta``."""
    ours: dict[str, Any] = mapping.get("_meta", {}).get(OURS, {})
    return ours


def held(es: Elasticsearch, index: str, field: str = "model.id") -> list[str]:
    """The models of the documents in ``index``: two at most, enough to see that one is too many."""
    answer = es.search(index=index, size=0, aggs={"models": {"terms": {"field": field, "size": 2}}})
    return [bucket["key"] for bucket in answer["aggregations"]["models"]["buckets"]]


def record(es: Elasticsearch, index: str, **facts: str) -> None:
    """Writes ``facts`` into the ``_meta`` of one index, and leaves what others keep there."""
    (found,) = es.indices.get_mapping(index=index).values()
    meta = found["mappings"].get("_meta", {})
    es.indices.put_mapping(index=index, meta=meta | {OURS: facts})


def model_of(es: Elasticsearch, index: str) -> str | None:
    """The model whose vectors ``index`` holds: the one on record, else its documents'; None without either.

    Raises:
        MixedModels: it holds several models' vectors, or others than it should.
    """
    known = {model for model in declared(es, index).values() if model} | set(held(es, index))
    if len(known) > 1:
        raise MixedModels(
            f"[{index}] holds vectors of several models, {sorted(known)}: search one index of one model"
        )
    return next(iter(known), None)
