"""Where documents say the SHA-256 of their photo's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faces.searchable import Searchable

SHA256 = "file.hash.sha256"


def hash_fields(where: Searchable) -> list[str]:
    """Below the targets, where the pipeline writes it; and at the top, where the sender may."""
    return sorted({field.at(SHA256) for field in where.fields} | {SHA256})


def of_content(where: Searchable, hashes: Sequence[str]) -> dict[str, Any]:
    """A query for the photos whose bytes have one of these SHA-256, in hexadecimal."""
    return {"bool": {"should": [{"terms": {name: list(hashes)}} for name in hash_fields(where)]}}
