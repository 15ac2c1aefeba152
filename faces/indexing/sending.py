"""Sends documents and changes to Elasticsearch, and waits while the inference service is busy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from elasticsearch import ApiError, ConflictError, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from es_setup.connection import innermost_reason
from faces.indexing.client_side import ClientSide, Sending
from faces.indexing.contents import PhotoContent, unreadable
from faces.indexing.stored_photos import StoredPhoto
from faces.partial_documents import document_of
from faces.refusals import require_fit_service
from faces.refused import BLOCK, IndexBlocked, Refusal, blocked, refusal_of
from faces.unchanged import if_unchanged

BULK_PHOTOS = 64
BULK_BYTES = 32_000_000
"""Elasticsearch refuses requests over 100 MB; a third of that leaves room for other clients."""

RETRIES: dict[str, Any] = {
    "max_retries": 10,
    "initial_backoff": 0.5,
    "max_backoff": 30,
    "retry_on_status": (429, 503),
}
"""While the inference service is busy or down, Elasticsearch refuses documents with 429. Ten retries take two
and a half minutes. Without ``max_retries`` elasticsearch-py's helpers don't retry."""

T = TypeVar("T")


@dataclass
class Sent:
    """What became of new documents, by content.

    stored: SHA-256 -> index and id.
    there: SHA-256 -> the document that has the id: another run was faster, or it has another content by now.
    refused: SHA-256 -> why Elasticsearch doesn't have it.
    blocked: why the index takes no more documents; None if it does.
    """

    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    there: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    blocked: str | None = None


def create(
    es: Elasticsearch,
    index: str,
    documents: Sequence[tuple[PhotoContent, str]],
    fields: Callable[[PhotoContent], dict[str, Any]],
    here: ClientSide | None = None,
) -> Sent:
    """Stores new documents: a content and the document's id each. A document that has the id is never
    overwritten.

    Args:
        fields: a document's fields by their full names; raises OSError if the file can't be read.
        here: finds the faces, where no pipeline does.

    Raises:
        ServiceUnfit: the inference service can't answer for this index, so that retries would be in vain.
    """
    if documents and here is None:
        require_fit_service(es, index)
    sent = Sent()

    def attempt(waiting: Sequence[tuple[PhotoContent, str]]) -> list[tuple[PhotoContent, str]]:
        return _create_once(es, index, waiting, fields, sent, here)

    with_retries(documents, attempt)
    return sent


def with_retries(items: Sequence[T], attempt: Callable[[Sequence[T]], list[T]]) -> None:
    """Tries items, and again those that ``attempt`` returns, as long as ``RETRIES`` says."""
    waiting = attempt(items)
    for pause in _pauses():
        if not waiting:
            return
        time.sleep(pause)
        waiting = attempt(waiting)


def _pauses() -> Iterator[float]:
    """Seconds between tries."""
    pause = RETRIES["initial_backoff"]
    for _ in range(RETRIES["max_retries"]):
        yield pause
        pause = min(2 * pause, RETRIES["max_backoff"])


def _create_once(
    es: Elasticsearch,
    index: str,
    documents: Sequence[tuple[PhotoContent, str]],
    fields: Callable[[PhotoContent], dict[str, Any]],
    sent: Sent,
    here: ClientSide | None,
) -> list[tuple[PhotoContent, str]]:
    """Adds to ``sent`` what became of the documents; returns those that may be taken a moment later."""
    contents = {key: content for content, key in documents}
    later = []

    def read() -> Iterator[Sending]:
        for content, key in documents:
            try:
                yield content, key, document_of(fields(content))
            except OSError as error:
                yield content, key, unreadable(error)

    def actions() -> Iterator[dict[str, Any]]:
        for content, key, document in here.completed(read()) if here else read():
            if not isinstance(document, Refusal):
                yield {"_op_type": "create", "_index": index, "_id": key, "_source": document}
                continue
            sent.refused[content.sha256] = document
            if document.code == "not_reached":
                later.append((content, key))

    answers = streaming_bulk(
        es,
        actions(),
        chunk_size=BULK_PHOTOS,
        max_chunk_bytes=BULK_BYTES,
        raise_on_error=False,
        raise_on_exception=False,
        refresh=True,
    )
    for ok, answer in answers:
        item = next(iter(answer.values()))
        content = contents[item["_id"]]
        if ok:
            sent.stored[content.sha256] = (item["_index"], item["_id"])
            sent.refused.pop(content.sha256, None)
        elif item.get("status") == 409:
            sent.there[content.sha256] = (item["_index"], item["_id"])
            sent.refused.pop(content.sha256, None)
        else:
            sent.refused[content.sha256] = refusal = refusal_of(item)
            if refusal.code == "read_only":
                sent.blocked = refusal.reason
            elif item.get("status") in RETRIES["retry_on_status"]:
                later.append((content, item["_id"]))
    return later if sent.blocked is None else []


def update(es: Elasticsearch, stored: StoredPhoto, document: dict[str, Any]) -> None:
    """Writes a partial document into a document that is as it was read. It passes the pipeline whole.

    Raises:
        ConflictError: it isn't any more.
        IndexBlocked: its index takes no changes.
        ApiError: it is refused, also after the retries.
    """
    for pause in (*_pauses(), None):
        try:
            es.update(
                index=stored.index,
                id=stored.id,
                doc=document,
                if_seq_no=stored.seq_no,
                if_primary_term=stored.primary_term,
                routing=stored.routing,
                refresh=True,
            )
            return
        except ConflictError:
            raise
        except ApiError as error:
            if error.error == BLOCK:
                raise IndexBlocked(blocked(innermost_reason(error))) from None
            if error.status_code not in RETRIES["retry_on_status"] or pause is None:
                raise
        time.sleep(pause)


def update_untouched(
    es: Elasticsearch, changes: Sequence[tuple[StoredPhoto, dict[str, Any]]], refresh: bool
) -> None:
    """Writes partial documents into those documents that are still as they were read, in one request. One
    that was changed meanwhile stays as it is: the next run tries again.

    Args:
        refresh: whether the request itself refreshes the index. It then does so after each change, as the
            plugin makes a request of each, and that takes more time than the photos before took to be read.
    """
    operations: list[dict[str, Any]] = []
    for stored, document in changes:
        version = if_unchanged(*stored.key, stored.seq_no, stored.primary_term, stored.routing)
        operations += [{"update": version}, {"doc": document}]
    if operations:
        es.bulk(operations=operations, refresh=refresh)
