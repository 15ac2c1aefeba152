"""The people of a gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from faces.buckets import every_bucket
from faces.decisions.labelling import known_name
from faces.names import all_names, spellings
from faces.people import did_you_mean, names_of
from faces.searchable import FaceField, NoFaces, Searchable, searchable
from ingest_service.errors import UserError

MOST_TAGS = 1_000
"""Of a person that are listed."""


class NobodyEnrolled(UserError):
    """The gallery has nobody of this name; the message names the nearest."""


@dataclass
class GalleryPerson:
    """
    portraits: how many; newest: the ``@timestamp`` of the newest, as ISO 8601.
    tags: of any of their portraits.
    """

    name: str
    portraits: int = 0
    newest: str | None = None
    tags: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "portraits": self.portraits,
            "newest": self.newest,
            "tags": sorted(self.tags),
        }


@dataclass(frozen=True)
class Gallery:
    """An index of portraits, or several behind one name."""

    es: Elasticsearch
    where: Searchable
    field: FaceField

    @property
    def name(self) -> str:
        return self.where.name

    @classmethod
    def of(cls, es: Elasticsearch, name: str) -> Gallery:
        """
        Raises:
            NoFaces: it isn't a gallery.
            NotFoundError: there is no such index.
        """
        where = searchable(es, name)
        portraits = [one for one in where.fields if not one.nested]
        if not portraits:
            raise NoFaces(
                f"[{name}] is no gallery: it has no field [vector]; name one such as [face-gallery]"
            )
        return cls(es, where, portraits[0])

    @property
    def portraits(self) -> dict[str, Any]:
        """A query for all of them."""
        return self.field.with_faces

    def portraits_of(self, name: str) -> dict[str, Any]:
        """A query for a person's portraits."""
        named = {"terms": {"person.name": spellings(name)}}
        return {"bool": {"filter": [self.portraits, named]}}

    def people(self, query: dict[str, Any] | None = None) -> list[GalleryPerson]:
        """By name.

        Args:
            query: for the portraits that count; default: all.
        """
        within = {
            "newest": {"max": {"field": "@timestamp", "format": "strict_date_time"}},
            "tags": {"terms": {"field": "tags", "size": MOST_TAGS}},
        }
        found: dict[str, GalleryPerson] = {}
        for key, bucket in every_bucket(
            self.es, self.name, "person.name", query or self.portraits, within=within
        ):
            for name in all_names(key):
                person = found.setdefault(name, GalleryPerson(name))
                newest = bucket["newest"].get("value_as_string")
                person.portraits += bucket["doc_count"]
                person.newest = max(filter(None, (person.newest, newest)), default=None)
                person.tags |= {str(tag["key"]) for tag in bucket["tags"]["buckets"]}
        return sorted(found.values(), key=lambda person: person.name)

    def nameless(self) -> int:
        """How many portraits have no name."""
        query = {"bool": {"filter": [self.portraits], "must_not": [{"exists": {"field": "person.name"}}]}}
        return int(self.es.count(index=self.name, query=query)["count"])

    def person(self, name: str) -> GalleryPerson:
        """
        Raises:
            NobodyEnrolled: nobody in the gallery has this name.
        """
        wanted = known_name(name)
        for person in self.people(self.portraits_of(wanted)):
            if person.name == wanted:
                return person
        instead = did_you_mean(wanted, names_of(self.es, self.where, self.field)) or (
            "`faces gallery list` names who is, and `faces enroll PHOTO --name NAME` adds somebody"
        )
        raise NobodyEnrolled(f"nobody in [{self.name}] is called [{wanted}]: {instead}")
