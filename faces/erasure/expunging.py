"""Rewrites the segments of indices without what was deleted, as docs/erasure.md describes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch

from es_setup.connection import innermost_reason

ROUNDS = 3
EVERY = 0.5
"""Seconds between two looks at the leases."""
MERGE_TIMEOUT = 3_600
"""Seconds. A merge goes on in Elasticsearch if its client stops to wait."""


@dataclass(frozen=True)
class Expunged:
    """
    left: deleted documents that are still in the segments of its copies.
    problem: why, and what to do; None if none is left.
    """

    index: str
    left: int
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"index": self.index, "deleted_in_segments": self.left, "problem": self.problem}


def expunge(
    es: Elasticsearch, indices: list[str], wait: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Expunged]:
    """Flushes each index, waits for its leases, merges it to one segment, and looks; again, if something is
    left.

    Args:
        wait: seconds, at most, for the leases of all indices together.
    """
    last = {index: _flushed(es, index) for index in indices}
    deadline = clock() + wait
    behind = set(indices)
    while behind and clock() < deadline:
        behind = {index for index in behind if _is_behind(es, index, last[index])}
        if behind:
            time.sleep(EVERY)
    for index in indices:
        yield _merged(es, index, wait if index in behind else None)


def deleted_in_segments(es: Elasticsearch, index: str) -> int:
    """Over all copies."""
    stats = es.indices.stats(index=index, metric="docs")
    return int(stats["_all"]["total"]["docs"]["deleted"])


def _flushed(es: Elasticsearch, index: str) -> dict[str, int]:
    """Shard -> the number of its last operation."""
    es.indices.flush(index=index, force=True, wait_if_ongoing=True)
    return {
        number: max((copy["seq_no"]["max_seq_no"] for copy in copies if "seq_no" in copy), default=-1)
        for number, copies in _shards(es, index).items()
    }


def _is_behind(es: Elasticsearch, index: str, last: dict[str, int]) -> bool:
    """Whether a lease still keeps operations up to those."""
    return any(
        lease["retaining_seq_no"] <= last.get(number, -1)
        for number, copies in _shards(es, index).items()
        for copy in copies
        for lease in copy.get("retention_leases", {}).get("leases", [])
    )


def _shards(es: Elasticsearch, index: str) -> dict[str, list[dict[str, Any]]]:
    stats = es.indices.stats(index=index, level="shards")
    found: dict[str, list[dict[str, Any]]] = stats["indices"].get(index, {}).get("shards", {})
    return found


def _merged(es: Elasticsearch, index: str, waited: float | None) -> Expunged:
    left = deleted_in_segments(es, index)
    for _ in range(ROUNDS):
        try:
            es.options(request_timeout=MERGE_TIMEOUT).indices.forcemerge(index=index, max_num_segments=1)
            es.indices.flush(index=index, force=True, wait_if_ongoing=True)
            es.indices.refresh(index=index)
        except ConnectionTimeout:
            return Expunged(index, left, "the merge still runs: run this again when it has ended")
        except ApiError as error:
            return Expunged(index, left, innermost_reason(error))
        left = deleted_in_segments(es, index)
        if not left:
            break
    if left and waited is not None:
        return Expunged(
            index,
            left,
            f"a copy's lease didn't move within {waited:g} s: run this again, or use a longer --wait",
        )
    problem = "something still reads the old segments, a scroll or a point in time: close it, run this again"
    return Expunged(index, left, problem if left else None)
