"""All hits of a search, however many: one by one, or their number."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from elasticsearch import Elasticsearch

KEEP_ALIVE = "5m"
AT_ONCE = 200
OPEN: dict[str, Elasticsearch] = {}
"""The clients of the points in time that are open. One that is left open by an error is closed by the garbage
collector; that would first take the connections from a client that nobody else holds, and then wait for ever
for one of them."""
BY_SHARD: dict[str, Any] = {"_shard_doc": {"order": "asc"}}


def every_hit(
    es: Elasticsearch,
    index: str,
    query: dict[str, Any],
    sort: list[dict[str, Any]] | None = None,
    size: int = AT_ONCE,
    **search: Any,
) -> Generator[dict[str, Any], None, None]:
    """Each hit of ``query``, by pages of a point in time, which changes meanwhile don't move.

    Args:
        sort: default: the order that costs least.
        size: of a page.
        search: further arguments of the search, such as ``source``.
    """
    pit, after = es.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"], None
    first = pit
    OPEN[first] = es
    try:
        while True:
            page = es.search(
                pit={"id": pit, "keep_alive": KEEP_ALIVE},
                query=query,
                size=size,
                sort=[*(sort or []), BY_SHARD],
                search_after=after,
                track_total_hits=False,
                # A shard that stops to answer is an error, and not the end of its hits.
                allow_partial_search_results=False,
                **search,
            )
            pit, hits = page["pit_id"], page["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            after = hits[-1]["sort"]
    finally:
        try:
            es.close_point_in_time(id=pit)
        finally:
            OPEN.pop(first, None)


def count_of(es: Elasticsearch, index: str, query: dict[str, Any]) -> int:
    """How many hits ``query`` has in all shards. The API ``_count`` leaves out those that don't answer.

    Raises:
        ApiError: a shard doesn't answer.
    """
    answer = es.search(
        index=index, size=0, query=query, track_total_hits=True, allow_partial_search_results=False
    )
    return int(answer["hits"]["total"]["value"])
