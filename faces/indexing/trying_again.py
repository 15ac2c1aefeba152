"""Sends the photos that documents kept with their error through the pipeline again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Service
from faces.completing.asking import require_model
from faces.completing.completing import Completer
from faces.completing.options import recorded_options
from faces.indexing.client_side import try_here
from faces.indexing.failed_documents import FailedDocument, FailedDocuments
from faces.indexing.known_photos import WORTH_A_TRY
from faces.indexing.sending import RETRIES, with_retries
from faces.refusals import require_fit_service
from faces.refused import IndexBlocked, refusal_of
from faces.searchable import Searchable, below
from faces.unchanged import if_unchanged

WORTH_ANOTHER_TRY = frozenset({*WORTH_A_TRY, "too_slow"})
"""Codes of errors that may be gone: the endpoint's, and that of a photo which may be in time on another
machine."""


class Result(Enum):
    """What became of a document that was tried again."""

    MENDED = "mended"
    """It has its faces, or was found to have none."""
    STILL = "still failing"
    """It has an error, maybe another one."""
    CHANGED = "changed meanwhile"
    """Somebody changed it at the same moment: the next try takes it as it is now."""
    GONE = "gone"
    """Somebody deleted it."""


@dataclass(frozen=True)
class Tried:
    """
    code, reason: of the error that it has now, or of the refusal that left it as it was; None if mended.
    """

    document: FailedDocument
    result: Result
    code: str | None = None
    reason: str | None = None


@dataclass
class TriedCounts:
    """How many documents had which result; ``still``: those that still fail, by code."""

    results: Counter[Result] = field(default_factory=Counter)
    still: Counter[str] = field(default_factory=Counter)

    def add(self, tried: Tried) -> None:
        self.results[tried.result] += 1
        if tried.result is Result.STILL:
            self.still[str(tried.code)] += 1

    def as_json(self) -> dict[str, Any]:
        named = {result.name.lower(): self.results[result] for result in Result}
        return {"tried": self.results.total(), **named, "still_by_code": dict(self.still.most_common())}


def try_again(es: Elasticsearch, failed: FailedDocuments, service: Service | None = None) -> Iterator[Tried]:
    """Tries each document once, and yields what became of it. What people said stays.

    Args:
        service: that finds the faces where the plugin doesn't.

    Raises:
        ServiceUnfit: the inference service can't answer for this index.
        OtherModel: it serves another model than the index has.
        IndexBlocked: the index takes no changes; raised after the results of those that were made.
    """
    here = recorded_options(failed.where) if service else {}
    if service and here:
        require_model(service, {index: how.model for index, how in here.items()})
    else:
        require_fit_service(es, failed.where.name)
    completer = Completer(es, service, here) if service and here else None
    for page in failed.pages():
        yield from _try_page(es, failed.where, page, completer)


def _try_page(
    es: Elasticsearch, where: Searchable, page: Sequence[FailedDocument], completer: Completer | None
) -> Iterator[Tried]:
    items: dict[tuple[str, str], dict[str, Any]] = {}

    def attempt(waiting: Sequence[FailedDocument]) -> list[FailedDocument]:
        here = [one for one in waiting if completer and one.index in completer.options]
        items.update(try_here(es, completer, here) if completer else {})
        items.update(_update(es, [one for one in waiting if one not in here]))
        busy = [one for one in waiting if items[one.key]["status"] in RETRIES["retry_on_status"]]
        # A full disk has the same status as a busy service, and isn't over in a moment.
        return [one for one in busy if refusal_of(items[one.key]).code != "read_only"]

    with_retries(page, attempt)
    updated = [one for one in page if items[one.key]["status"] < 300]
    now = _now(es, where, updated)
    blocked = None
    for document in page:
        item = items[document.key]
        if document.key in now:
            yield now[document.key]
        elif item["status"] == 404:
            yield Tried(document, Result.GONE)
        elif item["status"] == 409:
            yield Tried(document, Result.CHANGED)
        else:
            refusal = refusal_of(item)
            blocked = refusal.reason if refusal.code == "read_only" else blocked
            yield Tried(document, Result.STILL, refusal.code, refusal.reason)
    if blocked:
        raise IndexBlocked(blocked)


def _update(es: Elasticsearch, documents: Sequence[FailedDocument]) -> dict[tuple[str, str], dict[str, Any]]:
    """Changes nothing, which runs the pipeline: it reads the photo that the document kept."""
    if not documents:
        return {}
    operations: list[dict[str, Any]] = []
    for one in documents:
        version = if_unchanged(*one.key, one.seq_no, one.primary_term, one.routing)
        operations += [{"update": version}, {"doc": {}, "detect_noop": False}]
    answer = es.bulk(operations=operations, refresh=True)
    items = [item["update"] for item in answer["items"]]
    return {one.key: item for one, item in zip(documents, items, strict=True)}


def _now(
    es: Elasticsearch, where: Searchable, documents: Sequence[FailedDocument]
) -> dict[tuple[str, str], Tried]:
    """What became of documents that the pipeline has taken."""
    if not documents:
        return {}
    names = [found.at("error") for found in where.fields]
    wanted = [
        {"_index": one.index, "_id": one.id, "routing": one.routing, "_source": names} for one in documents
    ]
    found = {}
    for document, answer in zip(documents, es.mget(docs=wanted)["docs"], strict=True):
        errors = [error for name in names if (error := below(answer.get("_source", {}), name))]
        if not answer.get("found"):
            tried = Tried(document, Result.GONE)
        elif errors:
            tried = Tried(document, Result.STILL, errors[0].get("code"), errors[0].get("message"))
        else:
            tried = Tried(document, Result.MENDED)
        found[document.key] = tried
    return found
