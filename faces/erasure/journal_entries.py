"""Blanks entries of the journal in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import BulkIndexError, bulk

from es_setup.shipped_files import JOURNAL
from faces.erasure.fields import put
from faces.pages import every_hit
from ingest_service.errors import UserError

BLANKED = "forgotten"
"""Marks an entry that has lost something."""
TRIES = 5


class JournalNotBlanked(UserError):
    """The journal still has what was to go; the message says why."""


def blank(
    es: Elasticsearch, left: Callable[[], int], changes: Callable[[], Iterable[dict[str, Any]]], what: str
) -> int:
    """Changes entries until none is left, and returns how many were changed.

    Args:
        left: counts the entries that are still to be changed.
        changes: actions of a bulk that change them.
        what: goes, for messages.

    Raises:
        JournalNotBlanked: an entry can't be changed.
    """
    blanked = 0
    for _ in range(TRIES):
        if not left():
            return blanked
        try:
            blanked += bulk(es, changes(), refresh=True)[0]
        except BulkIndexError as error:
            (problem,) = error.errors[0].values()
            if problem["status"] != 409:
                reason = problem.get("error", {}).get("reason", problem["status"])
                raise JournalNotBlanked(f"the journal [{JOURNAL}] keeps {what}: {reason}") from None
    raise JournalNotBlanked(f"the journal [{JOURNAL}] is changed all the time: run this again")


def drop_digests(es: Elasticsearch, operations: Collection[str]) -> None:
    """Takes the digest of the command's arguments from all entries of operations: it can be guessed from a
    list of names, or of photos."""
    if not operations:
        return
    digested: list[dict[str, Any]] = [
        {"terms": {"operation.id": sorted(operations)}},
        {"exists": {"field": "operation.digest"}},
    ]
    hits = every_hit(es, JOURNAL, {"bool": {"filter": digested}}, seq_no_primary_term=True)
    bulk(es, map(_without_digest, hits), raise_on_error=False, refresh=True)


def _without_digest(hit: dict[str, Any]) -> dict[str, Any]:
    put(hit["_source"], "operation.digest", None)
    return in_place_of(hit, hit["_source"])


def in_place_of(hit: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The action that stores an entry where another was read."""
    version = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
    return {"_index": hit["_index"], "_id": hit["_id"], **version, "_source": entry}
