"""The groups of an index as they are stored, and what is in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.buckets import every_bucket
from faces.decisions.derived import is_unnamed
from faces.decisions.documents import Document, Key, face_id
from faces.many_searches import search_all
from faces.pages import every_hit
from faces.searchable import FaceField, Searchable, archives
from ingest_service.errors import UserError

SHOWN = 3
"""Photos of each group that are listed."""
READ = (
    *(f"faces.{name}" for name in ("id", "label", "ignored", "drawn", "group")),
    *("photo.faces_found", "face_count"),
)


class NoSuchGroup(UserError):
    """No face is in a group of this id; the message says what to do."""


@dataclass(frozen=True)
class Member:
    """A face of a group.

    position: in the document, largest first, from 0; of: how many faces that has.
    path: of its file; the document's id where none was sent.
    """

    key: Key
    face: str
    position: int
    of: int
    path: str

    def as_json(self) -> dict[str, Any]:
        index, document = self.key
        face = {"id": self.face, "position": self.position, "of": self.of}
        return {"index": index, "id": document, "path": self.path, "face": face}


@dataclass(frozen=True)
class Group:
    """photos: some of its faces, at most `SHOWN`, those of the best photos first."""

    id: str
    faces: int
    photos: tuple[Member, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "faces": self.faces, "photos": [one.as_json() for one in self.photos]}


def sizes(es: Elasticsearch, where: Searchable) -> list[Group]:
    """Every group, the largest first, without its photos."""
    counts: Counter[str] = Counter()
    for field in archives(where):
        of_index = {"terms": {"_index": list(field.indices)}}
        within = {"unnamed": {"filter": _unnamed(field)}}
        names = every_bucket(
            es, where.name, field.at("faces.group"), of_index, nested=field.at("faces"), within=within
        )
        for group, bucket in names:
            counts[group] += int(bucket["unnamed"]["doc_count"])
    return [
        Group(group, faces)
        for group, faces in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if faces
    ]


def with_photos(es: Elasticsearch, where: Searchable, groups: Sequence[Group]) -> list[Group]:
    """The groups with some of their photos.

    Raises:
        SearchFailed: Elasticsearch can't search.
    """
    best = [
        {field.at("best_quality"): {"order": "desc", "unmapped_type": "float"}} for field in archives(where)
    ]
    bodies = [
        {
            "query": in_group(where, group.id),
            "size": SHOWN,
            "sort": [*best, {"_seq_no": {"order": "asc"}}],
            "_source": _source(where),
            "seq_no_primary_term": True,
        }
        for group in groups
    ]
    found = search_all(es, where.name, bodies)
    return [
        Group(group.id, group.faces, tuple(_members(hits, where, group.id)))
        for group, hits in zip(groups, found, strict=True)
    ]


def members(es: Elasticsearch, where: Searchable, group: str) -> list[Member]:
    """Every face of a group, sorted by path.

    Raises:
        NoSuchGroup: it has none.
    """
    found = every_hit(
        es,
        where.name,
        in_group(where, group),
        source={"includes": _source(where)},
        seq_no_primary_term=True,
    )
    with closing(found) as hits:
        each = list(_members(hits, where, group))
    if not each:
        raise NoSuchGroup(
            f"no group [{group}] in [{where.name}]: `faces group list` lists them, `faces group` makes them"
        )
    return sorted(each, key=lambda one: (one.path, one.key, one.position))


def in_group(where: Searchable, group: str) -> dict[str, Any]:
    """A query for the documents with a face of a group."""
    each = [
        {
            "nested": {
                "path": field.at("faces"),
                "ignore_unmapped": True,
                "query": {"bool": {"filter": [{"term": {field.at("faces.group"): group}}, _unnamed(field)]}},
            }
        }
        for field in archives(where)
    ]
    indices = sorted(index for field in archives(where) for index in field.indices)
    return {"bool": {"filter": [{"terms": {"_index": indices}}, {"bool": {"should": each}}]}}


def is_in_group(document: Document, face: dict[str, Any], group: str) -> bool:
    return document.group_of(face) == group and is_unnamed(document, face)


def _members(
    hits: Iterator[dict[str, Any]] | list[dict[str, Any]], where: Searchable, group: str
) -> Iterator[Member]:
    for hit in hits:
        document = Document.of(hit, where)
        faces = document.faces
        for place, face in enumerate(faces):
            if is_in_group(document, face, group):
                yield Member(document.key, face_id(face, place), place, len(faces), document.path)


def _unnamed(field: FaceField) -> dict[str, Any]:
    """A face that left its group by a name or for being ignored, in a document that no command has changed
    since, isn't in it."""
    named = {"exists": {"field": field.at("faces.label.name")}}
    return {"bool": {"must_not": [named, {"term": {field.at("faces.ignored"): True}}]}}


def _source(where: Searchable) -> list[str]:
    """What tells who is in a group, without vectors and crops."""
    ours = {field.at(name) for field in archives(where) for name in READ}
    return sorted({*ours, "person*", "file.path", "file.name"})
