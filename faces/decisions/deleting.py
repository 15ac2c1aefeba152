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
from faces.refused import IndexBlocked, refusal_of

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


@dataclass(frozen=True)
class Ended:
    """What became of a document.

    outcome: ``gone``, whoever deleted it; ``changed`` by somebody since it was read, and therefore kept; or
        ``refused`` by Elasticsearch, for this ``reason``.
    """

    outcome: Literal["gone", "changed", "refused"]
    reason: str | None = None


def delete(
    es: Elasticsearch, journal: Journal, doomed: Sequence[Doomed], refresh: bool | Literal["wait_for"] = True
) -> Iterator[Ended]:
    """Deletes each document if it is still as it was read; yields what became of each, in order. What was
    journalled of those that stay is taken back at the end.

    Raises:
        JournalMissing, JournalNotWritten: nothing was deleted.
        IndexBlocked: the index takes no changes; raised after the outcomes of those that were made.
    """
    if not doomed:
        return
    written = journal.write(decision for one in doomed for decision in one.decisions)
    items = _answers(es, doomed, refresh)
    contested = [one for one, item in zip(doomed, items, strict=True) if item.get("status") == CONFLICT]
    there = _still_there(es, contested)
    left, blocked = [], None
    for one, item in zip(doomed, items, strict=True):
        if _is_gone(item) or (item.get("status") == CONFLICT and one.key not in there):
            yield Ended("gone")
            continue
        left.append(one.key)
        if item.get("status") == CONFLICT:
            yield Ended("changed")
        else:
            refusal = refusal_of(item)
            blocked = refusal.reason if refusal.code == "read_only" else blocked
            yield Ended("refused", refusal.reason)
    journal.withdraw(written, written.about(left))
    if blocked:
        raise IndexBlocked(blocked)


def _answers(
    es: Elasticsearch, doomed: Sequence[Doomed], refresh: bool | Literal["wait_for"]
) -> list[dict[str, Any]]:
    actions = ({"_op_type": "delete", **one.if_unchanged} for one in doomed)
    answers = streaming_bulk(
        es, actions, chunk_size=AT_ONCE, raise_on_error=False, raise_on_exception=False, refresh=refresh
    )
    return [answer["delete"] for _, answer in answers]


def _still_there(es: Elasticsearch, contested: Sequence[Doomed]) -> set[Key]:
    """Those that were only changed: one that another run has deleted is a conflict of versions, too."""
    if not contested:
        return set()
    docs = [
        {
            "_index": one.key[0],
            "_id": one.key[1],
            "_source": False,
            **({"routing": routing} if (routing := one.if_unchanged.get("routing")) else {}),
        }
        for one in contested
    ]
    answers = zip(contested, es.mget(docs=docs)["docs"], strict=True)
    return {one.key for one, answer in answers if answer.get("found", "error" in answer)}


def _is_gone(item: dict[str, Any]) -> bool:
    """Whether a document isn't there any more, whoever deleted it."""
    return 200 <= item.get("status", 0) < 300 or item.get("status") == GONE
