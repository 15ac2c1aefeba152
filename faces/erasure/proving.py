"""Proves that what was forgotten is gone: by searching for it, by counting, and by reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup.failures import innermost
from faces.decisions.documents import Key
from faces.erasure.expunging import deleted_in_segments
from faces.erasure.fields import get
from faces.erasure.finding import find, ids_with
from faces.erasure.forgotten import Run
from faces.erasure.journal_documents import entries_about
from faces.erasure.journal_names import entries_naming
from faces.erasure.scope import Scope
from faces.erasure.similar import knn, mean_of, vectors_for
from faces.erasure.subject import Subject, listed
from faces.pages import count_of
from ingest_service.errors import UserError

NEAREST = 100
AT_ONCE = 100


class NotProved(UserError):
    """Something can't be looked at; the message says what."""


@dataclass(frozen=True)
class Check:
    """how: ``search``, ``count`` or ``read``; what: in words; found: how many it found, 0 if all is well."""

    how: str
    what: str
    found: int

    def as_json(self) -> dict[str, Any]:
        return {"how": self.how, "what": self.what, "found": self.found}


def prove(
    es: Elasticsearch,
    scope: Scope,
    subject: Subject,
    run: Run,
    vectors: dict[str, list[list[float]]],
    merged: list[str],
) -> Iterator[Check]:
    """
    Args:
        vectors: model -> vectors of what is gone; none in a run that was taken up again after that.
        merged: the indices whose segments are to have no deleted document.

    Raises:
        NotProved: a document can't be read.
        ApiError: a shard doesn't answer.
    """
    deleted = {(index, one) for index, ids in run.deleted.items() for one in ids}
    faces = {(index, document, face) for index, document, face in run.faces}
    if vectors:
        tried = sum(len(some) + 1 for some in vectors.values())
        found = sum(_nearest(es, scope, vectors, deleted, faces))
        yield Check("search", f"kNN with {tried} vectors of the person, among the {NEAREST} nearest", found)
    if subject.name:
        left = find(es, scope, subject)
        yield Check("search", "the name in every field of ours", len(left.documents))
        yield Check("search", "the name in the journal", entries_naming(es, subject.name))
    yield Check(
        "search", "deleted documents and faces in the journal", entries_about(es, run.deleted, run.faces)
    )
    # What an index had that was deleted meanwhile went with it.
    there = {index for index in run.deleted if es.indices.exists(index=index)}
    count = sum(ids_with(es, index, ids) for index, ids in run.deleted.items() if index in there)
    yield Check("count", f"the ids of the {len(deleted)} deleted documents", count)
    for index in merged:
        yield Check(
            "count", f"deleted documents in the segments of [{index}]", deleted_in_segments(es, index)
        )
    yield Check("read", f"the {len(deleted)} deleted documents", len(list(_read(es, deleted))))
    blanked = {(index, one) for index, ids in run.blanked.items() for one in ids}
    still = sum(
        (index, key, str(face.get("id"))) in faces
        for index, key, source in _read(es, blanked)
        for field in scope.where.fields_of(index)
        for face in listed(get(source, field.at("faces")))
    )
    yield Check("read", f"the faces that went, in {len(blanked)} changed documents", still)


def mentions(es: Elasticsearch, scope: Scope, name: str) -> dict[str, int | None]:
    """Index -> documents with the name in any field, such as a path or a field of somebody's own: the machine
    doesn't know what these mean, so they are told. None where Elasticsearch can't search all fields."""
    query = {
        "simple_query_string": {
            "query": '"' + name.replace("\\", " ").replace('"', " ") + '"',
            "fields": ["*"],
            "lenient": True,
            "flags": "PHRASE",
        }
    }
    folders = [{"wildcard": {"file.path": {"value": pattern}}} for pattern in _in_paths(name)]
    anywhere = {"bool": {"should": [query, *folders]}}
    found: dict[str, int | None] = {}
    for index in scope.indices:
        try:
            count = count_of(es, index, anywhere)
        except ApiError:
            found[index] = None
        else:
            found |= {index: count} if count else {}
    return found


def _in_paths(name: str) -> tuple[str, str]:
    """Patterns for paths with a folder of this name, as `faces index --labels folder` has them."""
    escaped = "".join(f"\\{one}" if one in "*?\\" else one for one in name)
    return f"{escaped}/*", f"*/{escaped}/*"


def _nearest(
    es: Elasticsearch,
    scope: Scope,
    vectors: dict[str, list[list[float]]],
    deleted: set[Key],
    faces: set[tuple[str, str, str]],
) -> Iterator[int]:
    """For each search, how many of the deleted documents and blanked faces it finds."""
    for index, field in scope.fields():
        some = vectors_for(scope, index, vectors)
        for vector in [*some, *([mean_of(some)] if some else [])]:
            query = knn(field, vector, -1, NEAREST)
            path = field.at("faces")
            if field.nested:
                query["nested"]["inner_hits"] = {"size": 1, "_source": [f"{path}.id"]}
            hits = es.search(
                index=index, query=query, size=NEAREST, source=False, allow_partial_search_results=False
            )["hits"]["hits"]
            yield sum(
                (index, hit["_id"]) in deleted
                or any((index, hit["_id"], face) in faces for face in _inner(hit, path))
                for hit in hits
            )


def _inner(hit: dict[str, Any], path: str) -> Iterator[str]:
    for inner in hit.get("inner_hits", {}).get(path, {}).get("hits", {}).get("hits", []):
        yield str(inner.get("_source", {}).get("id", ""))


def _read(es: Elasticsearch, keys: set[Key]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Those of the documents that can be read, by their id, whether or not a search finds them."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), AT_ONCE):
        docs = [{"_index": index, "_id": key} for index, key in wanted[start : start + AT_ONCE]]
        for answer in es.mget(docs=docs, source_includes=["*faces.id", "faces.id"])["docs"]:
            error = answer.get("error")
            if error and error.get("type") != "index_not_found_exception":
                # It says nothing of whether the document is gone.
                raise NotProved(f"[{answer['_index']}] can't be read: {innermost(error)}")
            if answer.get("found"):
                yield answer["_index"], answer["_id"], answer["_source"]
