"""Tags of a person in the gallery, and where they were copied to: the probes that matched."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.changing import Changed, change, rewrite
from faces.decisions.documents import Document, Key
from faces.decisions.entries import Operation
from faces.decisions.journal import Journal
from faces.gallery.people import Gallery
from faces.identifying.people_search import MOST_PORTRAITS
from faces.names import all_names, spellings
from faces.pages import every_hit
from faces.searchable import FaceField, Searchable, archives, newest_first
from ingest_service.errors import WrongArguments

COPIES = ("matched_people", "candidate_people")
"""Flat fields of a probe with the names of its matches and of its candidates."""


class BadTag(WrongArguments):
    """A tag that can't be seen."""


def tidy_tags(tags: Sequence[str]) -> list[str]:
    """
    Raises:
        BadTag: one has nothing that is seen.
    """
    found = [all_names(tag) for tag in tags]
    if not all(found):
        raise BadTag("a tag is empty: name one such as `watch`")
    return list(dict.fromkeys(name for names in found for name in names))


def tag(
    gallery: Gallery,
    journal: Journal,
    operation: Operation,
    name: str,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    dry_run: bool = False,
) -> Iterator[Changed]:
    """Adds tags to all portraits of a person and removes others; yields what became of each portrait."""

    def edit(portrait: Document) -> None:
        portrait.set_tags(one for one in [*portrait.tags, *add] if one not in remove)

    with closing(_keys(gallery.es, gallery.name, gallery.portraits_of(name))) as keys:
        yield from change(gallery.es, journal, operation, gallery.where, keys, edit, dry_run)


def tags_of(gallery: Gallery, name: str) -> list[str]:
    """A person's, as `identify` copies them: of the newest portraits, these tags newest first."""
    hits = gallery.es.search(
        index=gallery.name,
        query=gallery.portraits_of(name),
        size=MOST_PORTRAITS,
        sort=newest_first(gallery.field),
        source=False,
        fields=[{"field": "tags"}],
        track_total_hits=False,
    )["hits"]["hits"]
    return list(dict.fromkeys(tag for hit in hits for tag in all_names(hit.get("fields", {}).get("tags"))))


def probes_of(es: Elasticsearch, probes: Searchable, name: str) -> dict[str, Any]:
    """A query for the documents in which a person is a match or a candidate; where the index doesn't say who
    the candidates are, for all with candidates."""
    wanted: list[dict[str, Any]] = []
    for field in archives(probes):
        copies = [field.at(copy) for copy in COPIES]
        wanted += [{"terms": {copy: spellings(name)}} for copy in copies]
        if older := _without(es, probes, field, copies[1]):
            candidates = {"exists": {"field": field.at("best_similarity")}}
            wanted.append({"bool": {"filter": [{"terms": {"_index": older}}, candidates]}})
    return {"bool": {"should": wanted}}


def _without(es: Elasticsearch, probes: Searchable, field: FaceField, copy: str) -> list[str]:
    """Those indices of a field of faces that don't have a copy of it."""
    types = es.field_caps(index=probes.name, fields=copy, include_unmapped=True)["fields"].get(copy, {})
    if types and "unmapped" not in types:
        return []
    lacking = types.get("unmapped", {}).get("indices") or probes.recorded
    return [index for index in field.indices if index in lacking]


def refresh_probes(
    es: Elasticsearch, probes: Searchable, name: str, tags: Sequence[str], dry_run: bool = False
) -> Iterator[Changed]:
    """Writes a person's tags into the matches and candidates of all probes; yields what became of each
    document."""

    def edit(document: Document) -> None:
        for face in document.faces:
            for guess in (face.get("match"), *_listed(face.get("candidates"))):
                if isinstance(guess, dict) and all_names(guess.get("name")) == [name]:
                    guess.pop("tags", None)
                    guess.update({"tags": list(tags)} if tags else {})

    with closing(_keys(es, probes.name, probes_of(es, probes, name))) as keys:
        yield from rewrite(es, probes, keys, lambda _: edit, dry_run)


def _keys(es: Elasticsearch, index: str, query: dict[str, Any]) -> Generator[Key, None, None]:
    with closing(every_hit(es, index, query, source=False)) as hits:
        for hit in hits:
            yield hit["_index"], hit["_id"]


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
