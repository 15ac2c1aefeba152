"""Photos into Elasticsearch, in bulk, losing none."""

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
"""A request over 100 MB is dropped by Elasticsearch; a third of that leaves room for others."""

RETRIES: dict[str, Any] = {
    "max_retries": 10,
    "initial_backoff": 0.5,
    "max_backoff": 30,
    "retry_on_status": (429, 503),
}
"""A document that meets a busy or absent inference service comes back with 429. Ten retries are two and a
half minutes of patience. Without ``max_retries`` elasticsearch-py's helpers would give it up at once."""


class NoPipeline(UserError):
    """Documents would be stored without their faces being found; the message says what to do."""


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
    """Drops each photo into ``index`` as a document, and yields what became of it, in order.

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
        NoPipeline: a document dropped into ``index`` would be stored as it is, its photo with it.
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


def _index_batch(es: Elasticsearch, batch: list[PhotoFile], index: str) -> Iterator[Indexed]:
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
            yield Indexed(photo, stored=False, error=unreadable.get(key) or refused.get(key, "not sent"))


def _actions(batch: list[PhotoFile], index: str, unreadable: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The bulk's documents; a file that can't be read is noted and left out, and stops no other."""
    for photo in batch:
        try:
            yield {"_index": index, "_id": photo.document_id(), **photo.document()}
        except OSError as error:
            unreadable[photo.document_id()] = f"the file can't be read: {error.strerror}"


def _outcomes(es: Elasticsearch, stored_in: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the pipeline wrote into each document, asked of the very index that has it: an alias may have
    several."""
    if not stored_in:
        return {}
    wanted = [{"_index": index, "_id": key} for key, index in stored_in.items()]
    fields = ["face_count", "error.code", "error.message"]
    found = es.mget(docs=wanted, source_includes=fields)["docs"]
    return {document["_id"]: document.get("_source", {}) for document in found}


def _stored(photo: PhotoFile, source: dict[str, Any]) -> Indexed:
    error = source.get("error")
    text = f"[{error['code']}] {error['message']}" if error else None
    return Indexed(photo, stored=True, faces=source.get("face_count", 0), error=text)


def _reason(item: dict[str, Any]) -> str:
    """The innermost reason that Elasticsearch gives, after the field that an outer one names: not all of it,
    which may repeat the value."""
    error = item.get("error", item.get("exception", "unknown"))
    where = ""
    while isinstance(error, dict) and isinstance(error.get("caused_by"), dict):
        field = re.search(r"field \[[^\]]*\] of type \[[^\]]*\]", str(error.get("reason")))
        where = f"{field[0]}: " if field else where
        error = error["caused_by"]
    return where + str(error.get("reason", error)) if isinstance(error, dict) else str(error)
