"""Indexes photos in bulk, and reports the outcome of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from faces.photos import PhotoFile
from ingest_service.errors import UserError

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


class NoPipeline(UserError):
    """The index has no pipeline that finds faces; the message says what to do."""


@dataclass(frozen=True)
class IndexedPhoto:
    """The outcome of one photo.

    stored: whether Elasticsearch has stored it.
    faces: how many faces were found.
    error: why it wasn't stored, or the error that it was stored with.
    """

    photo: PhotoFile
    stored: bool
    faces: int = 0
    error: str | None = None


@dataclass
class IndexingCounts:
    """How many photos had which outcome.

    stored: photos that Elasticsearch has, ``unreadable`` ones included.
    with_faces: stored photos with at least one face.
    faces: the faces of all photos.
    unreadable: photos that were stored with an error.
    not_stored: photos that Elasticsearch doesn't have.
    """

    stored: int = 0
    with_faces: int = 0
    faces: int = 0
    unreadable: int = 0
    not_stored: int = 0

    def add(self, photo: IndexedPhoto) -> None:
        self.stored += photo.stored
        self.with_faces += photo.faces > 0
        self.faces += photo.faces
        self.unreadable += photo.stored and photo.error is not None
        self.not_stored += not photo.stored

    def as_json(self) -> dict[str, int]:
        return {
            "photos": self.stored,
            "with_faces": self.with_faces,
            "faces": self.faces,
            "unreadable": self.unreadable,
            "not_stored": self.not_stored,
        }


def index_photos(
    es: Elasticsearch, photos: Iterable[PhotoFile], index: str = "faces"
) -> Iterator[IndexedPhoto]:
    """Indexes each photo as a document of ``index``, and yields the outcomes in the same order.

    Raises:
        NoPipeline: ``index`` doesn't send its documents through a pipeline.
    """
    require_pipeline(es, index)
    remaining = iter(photos)
    while batch := list(islice(remaining, BULK_PHOTOS)):
        yield from _index_batch(es, batch, index)


def require_pipeline(es: Elasticsearch, index: str) -> None:
    """
    Raises:
        NoPipeline: ``index`` would store documents as they are, photos included.
    """
    if es.indices.exists(index=index):
        settings = [found["settings"] for found in es.indices.get_settings(index=index).values()]
    else:
        simulated = es.indices.simulate_index_template(name=index)
        settings = [simulated.get("template", {}).get("settings", {})]
    if not all(found.get("index", {}).get("default_pipeline") for found in settings):
        raise NoPipeline(
            f"[{index}] has no ingest pipeline that finds faces: run `faces install` first, or name an index "
            "like [faces]"
        )


def _index_batch(es: Elasticsearch, batch: list[PhotoFile], index: str) -> Iterator[IndexedPhoto]:
    unreadable: dict[str, str] = {}
    stored_in: dict[str, str] = {}
    refused: dict[str, str] = {}
    answers = streaming_bulk(
        es,
        _actions(batch, index, unreadable),
        chunk_size=BULK_PHOTOS,
        max_chunk_bytes=BULK_BYTES,
        raise_on_error=False,
        raise_on_exception=False,
        **RETRIES,
    )
    for ok, answer in answers:
        item = next(iter(answer.values()))
        if ok:
            stored_in[item["_id"]] = item["_index"]
        else:
            refused[item["_id"]] = _reason(item)
    sources = _outcomes(es, stored_in)
    for photo in batch:
        key = photo.document_id()
        if key in stored_in:
            yield _stored(photo, sources.get(key, {}))
        else:
            yield IndexedPhoto(photo, stored=False, error=unreadable.get(key) or refused.get(key, "not sent"))


def _actions(batch: list[PhotoFile], index: str, unreadable: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The bulk's documents. Files that can't be read are left out, and noted in ``unreadable``."""
    for photo in batch:
        try:
            yield {"_index": index, "_id": photo.document_id(), **photo.document()}
        except OSError as error:
            unreadable[photo.document_id()] = f"the file can't be read: {error.strerror}"


def _outcomes(es: Elasticsearch, stored_in: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Document id -> what the pipeline wrote into it, read from the index that has the document: an alias may
    have several."""
    if not stored_in:
        return {}
    wanted = [{"_index": index, "_id": key} for key, index in stored_in.items()]
    fields = ["face_count", "error.code", "error.message"]
    found = es.mget(docs=wanted, source_includes=fields)["docs"]
    return {document["_id"]: document.get("_source", {}) for document in found}


def _stored(photo: PhotoFile, source: dict[str, Any]) -> IndexedPhoto:
    error = source.get("error")
    text = f"[{error['code']}] {error['message']}" if error else None
    return IndexedPhoto(photo, stored=True, faces=source.get("face_count", 0), error=text)


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
