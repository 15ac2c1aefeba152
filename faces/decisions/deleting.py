"""Deletes documents, after what people said in them was written into the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from faces.decisions.documents import Key
from faces.decisions.entries import Decision
from faces.decisions.journal import Journal

AT_ONCE = 64
"""Documents of a bulk, which the plugin makes as many at a time."""
CONFLICT, GONE = 409, 404


@dataclass(frozen=True)
class Doomed:
    """A document that is to go.

    if_unchanged: its metadata in a bulk, as `faces.unchanged.if_unchanged` makes it.
    decisions: what people said in it, for the journal.
    """

    key: Key
    if_unchanged: dict[str, Any]
    decisions: tuple[Decision, ...]


def delete(
    es: Elasticsearch, journal: Journal, doomed: Sequence[Doomed], refresh: bool | Literal["wait_for"] = True
) -> Iterator[dict[str, Any]]:
    """Deletes each document if it is still as it was read. Yields Elasticsearch's answer to each, in order;
    `is_gone` reads it. What was journalled of those that stay is taken back at the end.

    Raises:
        JournalMissing, JournalNotWritten: nothing was deleted.
    """
    written = journal.write(decision for one in doomed for decision in one.decisions)
    actions = ({"_op_type": "delete", **one.if_unchanged} for one in doomed)
    answers = streaming_bulk(
        es, actions, chunk_size=AT_ONCE, raise_on_error=False, raise_on_exception=False, refresh=refresh
    )
    left = []
    for one, (_, answer) in zip(doomed, answers, strict=True):
        item = answer["delete"]
        if not is_gone(item):
            left.append(one.key)
        yield item
    journal.withdraw(written, written.about(left))


def is_gone(item: dict[str, Any]) -> bool:
    """Whether a document isn't there any more, whoever deleted it."""
    return 200 <= item.get("status", 0) < 300 or item.get("status") == GONE
