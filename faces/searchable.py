"""Which indices behind a name hold faces, and in which fields, by their mappings."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch

from es_setup import mappings, models
from es_setup.mappings import Mapping
from ingest_service.errors import UserError


class NoFaces(UserError):
    """No index of this name can hold faces; the message says what to do."""


@dataclass(frozen=True)
class FaceField:
    """A field with face vectors, and the indices that have it.

    target: the object that everything of ours is below, such as ``portrait``; empty: the top of the document.
    nested: whether a document has several faces, in ``faces``; else it is a portrait, with one ``vector``.
    """

    target: str
    nested: bool
    indices: tuple[str, ...]

    def at(self, name: str) -> str:
        """The full name of a field that the processor writes."""
        return f"{self.target}.{name}" if self.target else name

    @property
    def vector(self) -> str:
        return self.at("faces.vector" if self.nested else "vector")

    @property
    def with_faces(self) -> dict[str, Any]:
        """A query for the documents of these indices that have a face here."""
        query: dict[str, Any] = {"exists": {"field": self.vector}}
        if self.nested:
            query = {"nested": {"path": self.at("faces"), "ignore_unmapped": True, "query": query}}
        return {"bool": {"filter": [{"terms": {"_index": list(self.indices)}}, query]}}


@dataclass(frozen=True)
class Searchable:
    """What can be searched behind ``name``: an index, an alias, a list or a pattern.

    recorded: each index that can hold faces -> what its ``_meta`` records.
    without: the other indices behind the name.
    """

    name: str
    fields: tuple[FaceField, ...]
    recorded: dict[str, dict[str, Any]]
    without: tuple[str, ...]

    def fields_of(self, index: str) -> list[FaceField]:
        """Those that one of the indices has."""
        return [field for field in self.fields if index in field.indices]

    def model(self, es: Elasticsearch) -> str | None:
        """The one model of all indices; None if neither they nor their documents name one.

        Raises:
            MixedModels: they hold vectors of several models.
        """
        return models.one_model(es, self.name, self.recorded)


def searchable(es: Elasticsearch, name: str) -> Searchable:
    """
    Raises:
        NoFaces: no index has this name, or none of them can hold faces.
        NotFoundError: Elasticsearch says which index of a list is missing.
    """
    if not name.strip():
        raise NoFaces("the name of the index is empty: name one that holds faces, such as [faces]")
    found = es.indices.get_mapping(index=name)
    if not found:
        raise NoFaces(f"no index matches [{name}]: name one that holds faces, such as [faces]")
    fields: dict[tuple[str, bool], list[str]] = defaultdict(list)
    recorded, without = {}, []
    for index, facts in sorted(found.items()):
        here = _face_fields(facts["mappings"].get("properties", {}))
        for field in here:
            fields[field].append(index)
        if here:
            recorded[index] = models.recorded(facts["mappings"])
        else:
            without.append(index)
    if not fields:
        raise NoFaces(
            f"[{name}] can't hold faces: it has neither [faces.vector], as an archive such as [faces], nor "
            "[vector], as [face-gallery]; `faces attach` adds them to an index of your own"
        )
    return Searchable(
        name,
        tuple(FaceField(*field, tuple(indices)) for field, indices in sorted(fields.items())),
        recorded,
        tuple(without),
    )


def archives(where: Searchable) -> list[FaceField]:
    """The fields with the faces of photos, and not those of portraits.

    Raises:
        NoFaces: there are portraits alone.
    """
    found = [field for field in where.fields if field.nested]
    if not found:
        raise NoFaces(f"[{where.name}] has portraits, and no archive's photos: see `faces gallery list`")
    return found


def refresh(es: Elasticsearch, where: Searchable) -> None:
    """Lets searches find what was stored a moment ago; a user without that privilege finds it later."""
    with suppress(AuthorizationException):
        es.indices.refresh(index=where.name)


def newest_first(field: FaceField) -> list[dict[str, Any]]:
    """How a search sorts documents by their ``@timestamp``."""
    return [{field.at("@timestamp"): {"order": "desc", "unmapped_type": "date"}}]


def below(source: dict[str, Any], path: str) -> Any:
    """The value at the dotted ``path`` of a document; None if there is none."""
    found: Any = source
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _face_fields(properties: Mapping) -> list[tuple[str, bool]]:
    """(target, nested) of each field of an index with our vectors. Other vectors, such as those of texts,
    lack what we store beside them."""
    archives, portraits = set(), set()
    for path, holder in mappings.face_vector_paths(properties).items():
        target, _, last = path.rpartition(".")
        if last != "vector":
            continue
        if holder is None and mappings.find(properties, f"{target}.model.id" if target else "model.id"):
            portraits.add(target)
        above, _, name = target.rpartition(".")
        if holder == target and name == "faces":
            archives.add(above)
    # The gallery maps the field of the archive, too, and nothing else of its faces.
    empty = {above for above in archives & portraits if _is_empty(properties, above)}
    return [(above, True) for above in archives - empty] + [(target, False) for target in portraits]


def _is_empty(properties: Mapping, target: str) -> bool:
    faces = mappings.find(properties, f"{target}.faces" if target else "faces") or {}
    return set(faces.get("properties", {})) == {"vector"}
