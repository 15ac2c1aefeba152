"""Who is in an archive, by what people said, and in the gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from faces.buckets import every_bucket
from faces.gallery.people import Gallery
from faces.names import all_names, spellings
from faces.searchable import FaceField, Searchable, archives


@dataclass
class ListedPerson:
    """
    faces: how many faces people said are theirs; photos: on how many they said the person is.
    first, last: the ``@timestamp`` of the oldest and the newest of these photos, as ISO 8601.
    portraits, tags: in the gallery.
    """

    name: str
    faces: int = 0
    photos: int = 0
    portraits: int = 0
    first: str | None = None
    last: str | None = None
    tags: set[str] = field(default_factory=set)

    def seen(self, photos: int, first: str | None, last: str | None) -> None:
        self.photos += photos
        self.first = min(filter(None, (self.first, first)), default=None)
        self.last = max(filter(None, (self.last, last)), default=None)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "faces": self.faces,
            "photos": self.photos,
            "portraits": self.portraits,
            "first_seen": self.first,
            "last_seen": self.last,
            "tags": sorted(self.tags),
        }


def people(
    es: Elasticsearch, where: Searchable, gallery: Gallery | None, only: str | None = None
) -> list[ListedPerson]:
    """Everybody, by name.

    Args:
        only: this person alone, by the exact name.

    Raises:
        NoFaces: ``where`` is a gallery.
    """
    found: dict[str, ListedPerson] = {}

    def of(key: str) -> list[ListedPerson]:
        return [found.setdefault(name, ListedPerson(name)) for name in all_names(key)]

    for one in archives(where):
        query: dict[str, Any] = {"terms": {"_index": list(one.indices)}}
        if only is not None:
            query = {"bool": {"filter": [query, {"terms": {one.at("people"): spellings(only)}}]}}
        for key, bucket in every_bucket(es, where.name, one.at("people"), query, within=_seen(one)):
            for person in of(key):
                first, last = (bucket[end].get("value_as_string") for end in ("first", "last"))
                person.seen(bucket["doc_count"], first, last)
        label = one.at("faces.label.name")
        for key, bucket in every_bucket(es, where.name, label, query, nested=one.at("faces")):
            for person in of(key):
                person.faces += bucket["doc_count"]
    portraits = gallery.portraits_of(only) if gallery and only is not None else None
    for enrolled in gallery.people(portraits) if gallery else []:
        for person in of(enrolled.name):
            person.portraits += enrolled.portraits
            person.tags |= enrolled.tags
    listed = found.values() if only is None else filter(None, [found.get(only)])
    return sorted(listed, key=lambda person: person.name)


def _seen(one: FaceField) -> dict[str, Any]:
    time = {"field": one.at("@timestamp"), "format": "strict_date_time"}
    return {"first": {"min": time}, "last": {"max": time}}
