"""The photos on which somebody is, alone or with others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.documents import Document
from faces.gallery.people import Gallery
from faces.names import UnknownPerson, all_names, spellings
from faces.pages import every_hit
from faces.people import did_you_mean, names_of
from faces.searchable import FaceField, Searchable, archives, newest_first

SOURCE = ("id", "box", "label", "not", "drawn", "match", "candidates")
"""Of a face."""
PHOTO = ("face_count", "photo.faces_found")
SENT = ("person*", "file.path", "file.name")
FIELDS = ("observer.name", "url.original")
"""As fields, which cover both forms that are sent: "observer": {"name"} and "observer.name"."""


@dataclass(frozen=True)
class ListedPhoto:
    """
    date: its ``@timestamp``; observer: ``observer.name``.
    document: with its faces, without vectors and pictures.
    """

    document: Document
    date: str | None
    observer: str | None

    @property
    def people(self) -> list[str]:
        """Who is on it, as people said."""
        labels = [self.document.label_of(face) for face in self.document.faces]
        return sorted({*all_names(labels), *self.document.names})

    @property
    def guesses(self) -> list[str]:
        """Whom the machine takes its other faces for."""
        matches = ((face.get("match") or {}).get("name") for face in self.document.faces)
        return sorted(set(all_names(list(matches))) - set(self.people))

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.document.path,
            "index": self.document.index,
            "id": self.document.id,
            "date": self.date,
            "observer": self.observer,
            "people": self.people,
            "guesses": self.guesses,
        }


def photos(
    es: Elasticsearch, where: Searchable, names: Sequence[str], guesses: bool = False
) -> Iterator[ListedPhoto]:
    """Photos on which all of these people are, newest first.

    Args:
        names: as they are stored.
        guesses: also by matches that nobody confirmed.
    """
    archive_fields = archives(where)
    ours = (*(f"faces.{name}" for name in SOURCE), *PHOTO)
    source = [*SENT, *(field.at(name) for field in archive_fields for name in ours)]
    times = [field.at("@timestamp") for field in archive_fields]
    for hit in every_hit(
        es,
        where.name,
        together(where, names, guesses),
        sort=newest_first(archive_fields[0]),
        source={"includes": source},
        fields=[{"field": name} for name in (*FIELDS, *times)],
        seq_no_primary_term=True,
    ):
        found, document = hit.get("fields", {}), Document.of(hit, where)
        names_of_fields = (document.field.at("@timestamp"), "observer.name")
        date, observer = (next(iter(all_names(found.get(name))), None) for name in names_of_fields)
        yield ListedPhoto(document, date, observer)


def together(where: Searchable, names: Sequence[str], guesses: bool) -> dict[str, Any]:
    """A query for the photos on which all of these people are."""
    each = [{"bool": {"should": _with(archives(where), name, guesses)}} for name in names]
    return {"bool": {"filter": each}}


def require_known(
    es: Elasticsearch, where: Searchable, gallery: Gallery | None, names: Sequence[str]
) -> None:
    """
    Raises:
        UnknownPerson: somebody is named neither in the archive nor in the gallery; the message has the
            nearest names.
    """
    for name in names:
        query = {"bool": {"should": _with(archives(where), name, guesses=True)}}
        known = es.count(index=where.name, query=query)["count"] or (
            gallery and es.count(index=gallery.name, query=gallery.portraits_of(name))["count"]
        )
        if not known:
            all_of_them = {one for field in archives(where) for one in names_of(es, where, field)}
            if gallery:
                all_of_them |= names_of(es, gallery.where, gallery.field)
            instead = did_you_mean(name, all_of_them) or "`faces list people` names who is"
            raise UnknownPerson(f"nobody is called [{name}] in [{where.name}]: {instead}")


def _with(fields: Sequence[FaceField], name: str, guesses: bool) -> list[dict[str, Any]]:
    copies = ("people", *(["matched_people"] if guesses else []))
    return [{"terms": {field.at(copy): spellings(name)}} for field in fields for copy in copies]
