"""A client that streams documents into an index while something fails, and checks what became of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan, streaming_bulk
from fake_service import MODEL
from tools import innermost

from faces.indexing.sending import RETRIES


@dataclass
class BulkOutcome:
    """The answers to a client's documents.

    Attributes:
        acknowledged: the ids with a 2xx.
        refused: the last answer to each of the others, by id.
    """

    acknowledged: set[str] = field(default_factory=set)
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def statuses(self) -> set[int]:
        """Of the refused documents."""
        return {item["status"] for item in self.refused.values()}

    @property
    def reasons(self) -> set[str]:
        """Of the refused documents."""
        return {innermost(item["error"]) for item in self.refused.values()}


Watcher = Callable[[BulkOutcome], object]


def send(
    es: Elasticsearch,
    index: str,
    photos: list[bytes],
    ids: range,
    watch: Watcher = lambda outcome: None,
    **retries: Any,
) -> BulkOutcome:
    """Streams documents in. ``watch`` is called after each answer, and may break something."""
    encoded = [base64.b64encode(photo).decode() for photo in photos]
    actions = (
        {"_index": index, "_id": str(number), "image": encoded[number % len(encoded)]} for number in ids
    )
    outcome = BulkOutcome()
    for ok, answer in streaming_bulk(
        es, actions, chunk_size=64, raise_on_error=False, raise_on_exception=False, **retries
    ):
        item = next(iter(answer.values()))
        if ok:
            outcome.acknowledged.add(item["_id"])
        else:
            outcome.refused[item["_id"]] = item
        watch(outcome)
    assert len(outcome.acknowledged) + len(outcome.refused) == len(ids)
    return outcome


def once(after: int, action: Callable[[], object]) -> Watcher:
    """Calls ``action`` once, as soon as ``after`` documents are acknowledged."""
    waiting = [action]

    def watch(outcome: BulkOutcome) -> None:
        if waiting and len(outcome.acknowledged) >= after:
            waiting.pop()()

    return watch


def vector_lengths(es: Elasticsearch, index: str) -> dict[str, list[int]]:
    """Document id -> the length of each face's vector, as a search returns it."""
    es.indices.refresh(index=index)
    body = {"_source": ["face_count"], "fields": ["faces.vector"]}
    documents = {}
    for hit in scan(es, index=index, query=body, size=1000):
        lengths = [len(face["vector"]) for face in hit["fields"].get("faces", [])]
        assert len(lengths) == hit["_source"]["face_count"], hit["_id"]
        documents[hit["_id"]] = lengths
    return documents


def check(es: Elasticsearch, index: str, outcome: BulkOutcome) -> None:
    """Every acknowledged document is stored with its face; every other one may be sent again."""
    documents = vector_lengths(es, index)
    lost = [key for key in outcome.acknowledged if documents.get(key) != [MODEL["dims"]]]
    assert not lost
    assert outcome.statuses <= {429, 503}


def complete(es: Elasticsearch, index: str, photos: list[bytes], ids: range) -> None:
    """Sends the same documents again, with the retries of `faces index`: then all are stored."""
    assert send(es, index, photos, ids, **RETRIES).acknowledged == {str(number) for number in ids}
    assert vector_lengths(es, index) == {str(number): [MODEL["dims"]] for number in ids}
