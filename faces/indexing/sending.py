"""Sends documents and changes to Elasticsearch, and waits while the inference service is busy."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import ApiError, ConflictError, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from faces.indexing.contents import PhotoContent
from faces.indexing.stored_photos import StoredPhoto
from faces.refusals import require_fit_service

BULK_PHOTOS = 64
BULK_BYTES = 32_000_000
"""Elasticsearch refuses requests over 100 MB; a third of that leaves room for other clients."""

TOO_LARGE = "the file is too large: Elasticsearch refuses the request (http.max_content_length)"

RETRIES: dict[str, Any] = {
    "max_retries": 10,
    "initial_backoff": 0.5,
    "max_backoff": 30,
    "retry_on_status": (429, 503),
}
"""While the inference service is busy or down, Elasticsearch refuses documents with 429. Ten retries take two
and a half minutes. Without ``max_retries`` elasticsearch-py's helpers don't retry."""


@dataclass
class Sent:
    """What became of new documents, by content.

    stored: SHA-256 -> index and id.
    there: SHA-256 -> the document that has the id: another run was faster, or it has another content by now.
    refused: SHA-256 -> why Elasticsearch doesn't have it.
    """

    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    there: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def create(
    es: Elasticsearch,
    index: str,
    documents: Sequence[tuple[PhotoContent, str]],
    fields: Callable[[PhotoContent], dict[str, Any]],
) -> Sent:
    """Stores new documents: a content and the document's id each. A document that has the id is never
    overwritten.

    Args:
        fields: a document's fields without the image; raises OSError if the file can't be read.

    Raises:
        ServiceUnfit: the inference service can't answer for this index, so that retries would be in vain.
    """
    if documents:
        require_fit_service(es, index)
    sent = Sent()
    contents = {key: content for content, key in documents}

    def actions() -> Iterator[dict[str, Any]]:
        for content, key in documents:
            try:
                document = {"image": content.image(), **fields(content)}
                yield {"_op_type": "create", "_index": index, "_id": key, **document}
            except OSError as error:
                sent.refused[content.sha256] = unreadable(error)

    answers = streaming_bulk(
        es,
        actions(),
        chunk_size=BULK_PHOTOS,
        max_chunk_bytes=BULK_BYTES,
        raise_on_error=False,
        raise_on_exception=False,
        refresh=True,
        **RETRIES,
    )
    for ok, answer in answers:
        item = next(iter(answer.values()))
        sha256 = contents[item["_id"]].sha256
        if ok:
            sent.stored[sha256] = (item["_index"], item["_id"])
        elif item.get("status") == 409:
            sent.there[sha256] = (item["_index"], item["_id"])
        else:
            sent.refused[sha256] = TOO_LARGE if item.get("status") == 413 else _reason(item)
    return sent


def update(es: Elasticsearch, stored: StoredPhoto, document: dict[str, Any]) -> None:
    """Writes a partial document into a document that is as it was read. It passes the pipeline whole.

    Raises:
        ConflictError: it isn't any more.
        ApiError: it is refused, also after the retries.
    """
    delay = RETRIES["initial_backoff"]
    for retry in range(RETRIES["max_retries"] + 1):
        try:
            es.update(
                index=stored.index,
                id=stored.id,
                doc=document,
                if_seq_no=stored.seq_no,
                if_primary_term=stored.primary_term,
                refresh=True,
            )
            return
        except ConflictError:
            raise
        except ApiError as error:
            if error.status_code not in RETRIES["retry_on_status"] or retry == RETRIES["max_retries"]:
                raise
        time.sleep(delay)
        delay = min(2 * delay, RETRIES["max_backoff"])


def update_untouched(es: Elasticsearch, changes: Sequence[tuple[StoredPhoto, dict[str, Any]]]) -> None:
    """Writes partial documents into those documents that are still as they were read, in one request. One
    that was changed meanwhile stays as it is: the next run tries again."""
    operations: list[dict[str, Any]] = []
    for stored, document in changes:
        operations += [
            {
                "update": {
                    "_index": stored.index,
                    "_id": stored.id,
                    "if_seq_no": stored.seq_no,
                    "if_primary_term": stored.primary_term,
                }
            },
            {"doc": document},
        ]
    if operations:
        es.bulk(operations=operations, refresh=True)


def unreadable(error: OSError) -> str:
    return f"the file can't be read: {error.strerror}"


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
