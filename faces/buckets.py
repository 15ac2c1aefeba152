"""The values of a field, however many, with what an aggregation says of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

AT_ONCE = 1_000


def every_bucket(
    es: Elasticsearch,
    index: str,
    field: str,
    query: dict[str, Any],
    nested: str | None = None,
    within: dict[str, Any] | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each value of ``field``, in order, as text, with its bucket.

    Args:
        nested: the path of the nested objects that have the field, which are then what is counted.
        within: aggregations of each bucket.
    """
    after: dict[str, Any] = {}
    while True:
        composite = {"size": AT_ONCE, "sources": [{"value": {"terms": {"field": field}}}], **after}
        values: dict[str, Any] = {"composite": composite, **({"aggs": within} if within else {})}
        around = {"nested": {"path": nested}, "aggs": {"values": values}}
        answer = es.search(
            index=index,
            size=0,
            query=query,
            aggs={"values": around if nested else values},
            allow_partial_search_results=False,
        )
        found = answer["aggregations"]["values"]
        found = found["values"] if nested else found
        for bucket in found["buckets"]:
            yield str(bucket["key"]["value"]), bucket
        if "after_key" not in found:
            return
        after = {"after": found["after_key"]}


def by_index(es: Elasticsearch, index: str, query: dict[str, Any]) -> dict[str, int]:
    """How many hits each index has that has any."""
    return {name: bucket["doc_count"] for name, bucket in every_bucket(es, index, "_index", query)}
