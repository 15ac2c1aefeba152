"""The documents that wait for their faces: those with a photo and neither `model.id` nor an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch

from faces.completing.options import FaceOptions
from faces.completing.storing import Place, Version, place_of, read
from faces.pages import every_hit
from faces.searchable import below

MOST = 1_000
"""Documents that are looked for at once."""
READ_AT_ONCE = 4
"""Whole documents in one answer: a photo in base64 may have 20 MB."""
DONE = ("model.id", "error.code")


def unfinished(options: Mapping[str, FaceOptions]) -> dict[str, Any]:
    """A query for documents without faces and without an error. Whether they have a photo isn't indexed."""
    each = [
        {
            "bool": {
                "filter": [{"term": {"_index": index}}],
                "must_not": [{"exists": {"field": how.at(name)}} for name in DONE],
            }
        }
        for index, how in options.items()
    ]
    return {"bool": {"should": each, "minimum_should_match": 1}}


def waiting(
    es: Elasticsearch, options: Mapping[str, FaceOptions], passed_over: Mapping[Place, int]
) -> list[Place]:
    """At most `MOST` documents that may wait for their faces.

    Args:
        passed_over: documents that are of no use -> the version that was seen.
    """
    hits = every_hit(es, ",".join(options), unfinished(options), source=False, seq_no_primary_term=True)
    with closing(hits):
        new = (place_of(hit) for hit in hits if passed_over.get(place_of(hit)) != hit["_seq_no"])
        return list(islice(new, MOST))


def refresh(es: Elasticsearch, indices: Collection[str]) -> None:
    """Lets searches find what was stored a moment ago, if this user may."""
    try:
        es.indices.refresh(index=",".join(indices))
    except AuthorizationException:
        return


def still_unfinished(
    es: Elasticsearch, options: Mapping[str, FaceOptions], places: Sequence[Place]
) -> list[Place]:
    """Those that are still there without faces and without an error, also if that isn't searchable yet."""
    if not places:
        return []
    docs = [
        {
            "_index": place.index,
            "_id": place.id,
            "_source": [options[place.index].at(name) for name in DONE],
            **({"routing": place.routing} if place.routing else {}),
        }
        for place in places
    ]
    found = zip(places, es.mget(docs=docs)["docs"], strict=True)
    return [
        place
        for place, one in found
        if one.get("found")
        and all(below(one.get("_source", {}), options[place.index].at(name)) is None for name in DONE)
    ]


def whole(es: Elasticsearch, places: Sequence[Place]) -> Iterator[Version]:
    """The documents with their photos; those that are gone aren't among them."""
    for start in range(0, len(places), READ_AT_ONCE):
        yield from read(es, places[start : start + READ_AT_ONCE]).values()
