"""Several searches in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.failures import innermost
from ingest_service.errors import UserError

AT_ONCE = 200
"""Searches in one request: with a vector each it has about half a megabyte."""


class SearchFailed(UserError):
    """One of several searches failed; the message has Elasticsearch's reason."""


def search_all(es: Elasticsearch, index: str, bodies: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The hits of each search of ``index``, in order.

    Raises:
        SearchFailed: Elasticsearch refuses one, or a shard doesn't answer.
    """
    found: list[list[dict[str, Any]]] = []
    for start in range(0, len(bodies), AT_ONCE):
        searches: list[dict[str, Any]] = []
        for body in bodies[start : start + AT_ONCE]:
            searches += [{"index": index, "allow_partial_search_results": False}, body]
        for answer in es.msearch(searches=searches)["responses"]:
            if "error" in answer:
                raise SearchFailed(f"[{index}] can't be searched: {innermost(answer['error'])}")
            found.append(answer["hits"]["hits"])
    return found
