"""Reads whole documents, and writes others in their place, each only if it is still as it was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from faces.completing.writing import Source
from faces.decisions.changing import BULK_BYTES


@dataclass(frozen=True)
class Place:
    """Where a document is. routing: None where it has the usual one."""

    index: str
    id: str
    routing: str | None = None


@dataclass(frozen=True)
class Version:
    """A whole document, photo and vectors included. seq_no, primary_term: as it was read."""

    place: Place
    seq_no: int
    primary_term: int
    source: Source = field(repr=False)


def place_of(hit: dict[str, Any]) -> Place:
    return Place(hit["_index"], hit["_id"], hit.get("_routing"))


def read(es: Elasticsearch, places: Sequence[Place]) -> dict[Place, Version]:
    """The documents as the last refresh has them, without those that are gone."""
    by_index: dict[str, list[str]] = defaultdict(list)
    for place in places:
        by_index[place.index].append(place.id)
    if not by_index:
        return {}
    each = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": ids}}]}}
        for index, ids in by_index.items()
    ]
    hits = es.search(
        index=",".join(by_index),
        query={"bool": {"should": each}},
        size=len(places),
        # Elasticsearch 9 leaves vectors out by default: also those of somebody's texts.
        source={"includes": ["*"], "exclude_vectors": False},
        seq_no_primary_term=True,
        track_total_hits=False,
        allow_partial_search_results=False,
    )["hits"]["hits"]
    found = {
        place_of(hit): Version(place_of(hit), hit["_seq_no"], hit["_primary_term"], hit["_source"])
        for hit in hits
    }
    return {place: found[place] for place in places if place in found}


def replace(
    es: Elasticsearch, documents: Sequence[tuple[Version, Source]], refresh: bool = False
) -> list[dict[str, Any]]:
    """Puts each source in its document's place; returns the items of the bulk, in order. Status 409: somebody
    changed or deleted the document meanwhile.

    Raises:
        elasticsearch.ApiError, TransportError: Elasticsearch refuses a whole request, or doesn't answer.
    """
    actions = (
        {
            "_op_type": "index",
            "_index": version.place.index,
            "_id": version.place.id,
            **({"routing": version.place.routing} if version.place.routing else {}),
            "if_seq_no": version.seq_no,
            "if_primary_term": version.primary_term,
            "_source": source,
        }
        for version, source in documents
    )
    answers = streaming_bulk(
        es,
        actions,
        chunk_size=max(1, len(documents)),
        max_chunk_bytes=BULK_BYTES,
        raise_on_error=False,
        refresh=refresh,
    )
    return [answer["index"] for _, answer in answers]
