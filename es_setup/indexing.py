"""Photos into Elasticsearch, in bulk, losing none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from es_setup.photos import PhotoFile

BULK_PHOTOS = 64
BULK_BYTES = 32_000_000
"""A request over 100 MB is dropped by Elasticsearch; a third of that leaves room for others."""

RETRIES: dict[str, Any] = {
    "max_retries": 8,
    "initial_backoff": 0.5,
    "max_backoff": 30,
    "retry_on_status": (429, 503),
}
"""A document that meets a busy or absent inference service comes back with 429: two minutes of patience.
Without ``max_retries`` elasticsearch-py's helpers would give it up at once."""


@dataclass(frozen=True)
class Indexed:
    """What became of one photo.

    stored: whether Elasticsearch has it.
    faces: how many faces were found.
    error: why it isn't stored, or what is wrong with the stored photo.
    """

    photo: PhotoFile
    stored: bool
    faces: int = 0
    error: str | None = None


def index_photos(es: Elasticsearch, photos: Iterable[PhotoFile], index: str = "faces") -> Iterator[Indexed]:
    """Drops each photo into ``index`` as a document, and yields what became of it, in order."""
    remaining = iter(photos)
    while batch := list(islice(remaining, BULK_PHOTOS)):
        yield from _index_batch(es, batch, index)


def _index_batch(es: Elasticsearch, batch: list[PhotoFile], index: str) -> Iterator[Indexed]:
    actions = ({"_index": index, "_id": photo.document_id(), **photo.document()} for photo in batch)
    answers = streaming_bulk(
        es,
        actions,
        chunk_size=BULK_PHOTOS,
        max_chunk_bytes=BULK_BYTES,
        raise_on_error=False,
        raise_on_exception=False,
        **RETRIES,
    )
    failures = {}
    for ok, answer in answers:
        item = next(iter(answer.values()))
        if not ok:
            failures[item["_id"]] = _reason(item)
    stored = [photo.document_id() for photo in batch if photo.document_id() not in failures]
    fields = ["face_count", "error.code", "error.message"]
    found = es.mget(index=index, ids=stored, source_includes=fields)["docs"] if stored else []
    sources = {document["_id"]: document.get("_source", {}) for document in found}
    for photo in batch:
        if (reason := failures.get(photo.document_id())) is not None:
            yield Indexed(photo, stored=False, error=reason)
        else:
            source = sources.get(photo.document_id(), {})
            error = source.get("error")
            text = f"[{error['code']}] {error['message']}" if error else None
            yield Indexed(photo, stored=True, faces=source.get("face_count", 0), error=text)


def _reason(item: dict[str, Any]) -> str:
    """The innermost reason that Elasticsearch gives: the outer ones only say where it happened."""
    error = item.get("error", item.get("exception", "unknown"))
    while isinstance(error, dict) and isinstance(error.get("caused_by"), dict):
        error = error["caused_by"]
    return str(error.get("reason", error)) if isinstance(error, dict) else str(error)
