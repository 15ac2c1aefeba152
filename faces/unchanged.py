"""Changes that are made only to a document that is still as it was read."""

from __future__ import annotations

from typing import Any


def if_unchanged(
    index: str, key: str, seq_no: int, primary_term: int, routing: str | None = None
) -> dict[str, Any]:
    """An item's metadata in a bulk.

    Args:
        seq_no, primary_term: the version that was read.
        routing: what the document was sent with to choose its shard, if that wasn't its id: without it the
            document isn't found.
    """
    version = {"_index": index, "_id": key, "if_seq_no": seq_no, "if_primary_term": primary_term}
    return version if routing is None else {**version, "routing": routing}
