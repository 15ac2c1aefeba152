"""Why Elasticsearch refuses a photo's document: with a code, which has a remedy, and a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError

from es_setup.connection import innermost_reason
from ingest_service.errors import UserError

TOO_LARGE = "the file is too large: Elasticsearch refuses the request (http.max_content_length)"
BLOCK = "cluster_block_exception"
DISK = re.compile(r"read-only-allow-delete|flood-stage")
CODES = {403: "forbidden", 413: "request_too_large", 429: "not_reached", 503: "not_reached"}
"""Status of a refusal -> its code in ``REMEDIES``."""


class IndexBlocked(UserError):
    """The index takes no documents, so that sending more is in vain; the message says why, and what to do."""


@dataclass(frozen=True)
class Refusal:
    """Why Elasticsearch doesn't have a photo.

    code: a key of ``REMEDIES``.
    """

    code: str
    reason: str


def refusal_of(item: dict[str, Any]) -> Refusal:
    """Why an item of a bulk was refused, or the bulk as a whole."""
    status, error = item.get("status", 0), item.get("error")
    whole = item.get("exception")
    kind = (
        whole.error if isinstance(whole, ApiError) else error.get("type") if isinstance(error, dict) else ""
    )
    if kind == BLOCK:
        reason = innermost_reason(whole) if isinstance(whole, ApiError) else _reason(item)
        return Refusal("read_only", blocked(reason))
    return Refusal(CODES.get(status, "refused"), TOO_LARGE if status == 413 else _reason(item))


def refusal_from(error: ApiError) -> Refusal:
    """Why a request for one document was refused."""
    return Refusal(CODES.get(error.status_code, "refused"), innermost_reason(error))


def blocked(reason: str) -> str:
    if DISK.search(reason):
        return (
            f"Elasticsearch's disk is nearly full, so that it takes no more documents ({reason}): free disk "
            "space, which lifts the block, then run the same command again"
        )
    return f"the index takes no documents ({reason}): lift the block, then run the same command again"


def _reason(item: dict[str, Any]) -> str:
    """Elasticsearch's innermost reason, preceded by the field that an outer reason names. The outer reasons
    themselves are left out, as they may repeat the field's value."""
    error = item.get("error", item.get("exception", "unknown"))
    where = ""
    while isinstance(error, dict) and isinstance(error.get("caused_by"), dict):
        field = re.search(r"field \[[^\]]*\] of type \[[^\]]*\]", str(error.get("reason")))
        where = f"{field[0]}: " if field else where
        error = error["caused_by"]
    return where + str(error.get("reason", error)) if isinstance(error, dict) else str(error)
