"""Identifies stored faces anew, against the gallery as it is now. No photo is sent: it has their vectors."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.changing import Changed, Edit, rewrite
from faces.decisions.documents import Document, Key
from faces.identifying.identifier import Candidate, Identifier, Lookup, guesses
from faces.pages import every_hit
from faces.searchable import Searchable, archives

GUESSES = ("match", "candidates", "best_similarity")
SAME = 2e-6
"""A similarity that differs by less is the same: it comes from other orders of addition."""


def stored_faces(where: Searchable, since: str | None = None) -> dict[str, Any]:
    """A query for the documents whose faces can be identified.

    Args:
        since: only those whose ``@timestamp`` isn't before: a date, or such as ``now-7d``.

    Raises:
        NoFaces: there are portraits alone.
    """
    nested = archives(where)
    filters: list[dict[str, Any]] = [{"bool": {"should": [field.with_faces for field in nested]}}]
    if since is not None:
        times = [{"range": {field.at("@timestamp"): {"gte": since}}} for field in nested]
        filters.append({"bool": {"should": times}})
    return {"bool": {"filter": filters}}


def identify_stored(
    es: Elasticsearch, where: Searchable, lookup: Lookup, since: str | None = None, dry_run: bool = False
) -> Iterator[Changed]:
    """Writes anew who each face may be; what people said about it stays. Yields what became of each document.

    A killed run is made good by the next: what is right already isn't written again.

    Args:
        since: as `stored_faces`.
        dry_run: changes nothing, and yields what would be changed.

    Raises:
        MixedModels: the faces are of several models.
        OtherGallery, NoFaces: the gallery can't be searched for them.
        SearchFailed: Elasticsearch can't search it.
    """
    model = where.model(es)
    if model is None:
        return
    identifier = Identifier(es, lookup, model)

    def prepare(documents: Sequence[Document]) -> Edit:
        """Searches for the faces of a whole batch together."""
        faces = [face for document in documents for face in _with_vector(document)]
        found = iter(identifier.candidates([face["vector"] for face in faces]))
        people = {document.key: list(islice(found, len(_with_vector(document)))) for document in documents}

        def edit(document: Document) -> None:
            for face, candidates in zip(_with_vector(document), people[document.key], strict=True):
                renew(face, [one for one in candidates if one.name not in document.not_of(face)])
            similarities = [face["best_similarity"] for face in document.faces if "best_similarity" in face]
            document.replace("best_similarity", max(similarities, default=None))

        return edit

    with closing(_keys(es, where, since)) as keys:
        yield from rewrite(es, where, keys, prepare, dry_run)


def renew(face: dict[str, Any], candidates: Sequence[Candidate]) -> None:
    """Puts who a face may be in place of what stands there. What is the same stays as it is."""
    now = guesses(candidates)
    if not _same({name: face[name] for name in GUESSES if face.get(name) is not None}, now):
        for name in GUESSES:
            face.pop(name, None)
        face.update(now)


def _with_vector(document: Document) -> list[dict[str, Any]]:
    return [face for face in document.faces if "vector" in face]


def _keys(es: Elasticsearch, where: Searchable, since: str | None) -> Generator[Key, None, None]:
    with closing(every_hit(es, where.name, stored_faces(where, since), source=False)) as hits:
        for hit in hits:
            yield hit["_index"], hit["_id"]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(one, int | float) and isinstance(other, int | float) and abs(one - other) < SAME
    return bool(one == other)
