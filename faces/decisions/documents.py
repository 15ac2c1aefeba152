"""Documents with faces, as commands change them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.state import State, state_of_face
from faces.names import all_names, plain, tidy
from faces.partial_documents import document_of, put
from faces.searchable import FaceField, Searchable, below
from faces.unchanged import if_unchanged

SENT = ("person*", "tags", "file.path", "file.name")
"""What senders give, at the top of a document whatever its target is."""
CHANGED = (
    "faces",
    "face",
    "face_count",
    "best_quality",
    "unnamed_faces",
    "undecided_faces",
    "best_similarity",
    "unplaced",
    "photo.faces_found",
    "tags",
)
"""What an edit may change, and what follows it, below the target."""
WRITTEN = (*CHANGED, "photo.width", "photo.height", "file.hash.sha256", "model", "error.code")
"""What is read of what the processor writes."""
PERSON = ("person.name", "person.sent_name")
NO_FACE = "no_face"
"""The tag that the pipeline gives, and no person."""
Key = tuple[str, str]
"""Index and ``_id``."""


@dataclass
class Document:
    """A document with faces. What is changed in it is written by `faces.decisions.changing`.

    seq_no, primary_term: the version that was read.
    field: where its faces are.
    source: what `read` asked for; changed in place.
    dotted: fields that the document has under one key with dots, and not as objects.
    routing: what it was sent with to choose its shard; None if that was its id.
    """

    index: str
    id: str
    seq_no: int
    primary_term: int
    field: FaceField
    source: dict[str, Any]
    dotted: frozenset[str] = frozenset()
    routing: str | None = None

    @classmethod
    def of(cls, hit: dict[str, Any], where: Searchable) -> Document:
        """From a hit of a search with `source_of`."""
        source = dict(hit.get("_source", {}))
        dotted = frozenset(key for key in source if "." in key)
        for name in dotted:
            put(source, name, source.pop(name))
        kinds = where.fields_of(hit["_index"])
        held = [one for one in kinds if below(source, one.at("faces" if one.nested else "face")) is not None]
        kind = (held or kinds)[0]
        if kind.nested and isinstance(found := below(source, kind.at("faces")), dict):
            # In a synthetic _source a single face is no array.
            put(source, kind.at("faces"), [found])
        version = hit["_seq_no"], hit["_primary_term"]
        return cls(hit["_index"], hit["_id"], *version, kind, source, dotted, hit.get("_routing"))

    @property
    def key(self) -> Key:
        return self.index, self.id

    @property
    def if_unchanged(self) -> dict[str, Any]:
        """An item's metadata in a bulk, for a change only if it is still as it was read."""
        return if_unchanged(self.index, self.id, self.seq_no, self.primary_term, self.routing)

    @property
    def path(self) -> str:
        """Of its file; the id where none was sent."""
        paths = all_names(below(self.source, "file.path")) or all_names(below(self.source, "file.name"))
        return paths[0] if paths else self.id

    @property
    def faces(self) -> list[dict[str, Any]]:
        """The entries of ``faces``, or a portrait's one ``face`` (its vector is beside it)."""
        found = self.get("faces" if self.field.nested else "face")
        return [found] if isinstance(found, dict) else [one for one in found or [] if isinstance(one, dict)]

    @property
    def is_portrait(self) -> bool:
        return not self.field.nested

    @property
    def name(self) -> str | None:
        """``person.name``; None without one, or with several."""
        return plain(self.names)

    @property
    def names(self) -> list[str]:
        """All of ``person.name``, also where several people are an array."""
        person = self.source.get("person")
        people = person if isinstance(person, list) else [person]
        return all_names([one.get("name") for one in people if isinstance(one, dict)])

    def set_name(self, name: str | list[str] | None) -> None:
        """Several names are stored as an array, in one ``person``."""
        person = self.source.get("person")
        if not isinstance(person, dict):
            self.source["person"] = person = {}
        person.pop("name", None)
        if tidied := tidy(name):
            person["name"] = tidied

    @property
    def tags(self) -> list[str]:
        return all_names(self.source.get("tags"))

    def set_tags(self, tags: Iterable[str]) -> None:
        self.source["tags"] = list(dict.fromkeys(tags))

    def label_of(self, face: dict[str, Any]) -> str | None:
        """Who a person said it is; of a portrait its person's name. None without a name, or with several."""
        return self.name if self.is_portrait else plain(state_of_face(face).get("label"))

    def set_label(self, face: dict[str, Any], name: str | list[str] | None) -> None:
        """Other fields of the label stay."""
        if self.is_portrait:
            self.set_name(name)
            return
        label = dict(face["label"]) if isinstance(face.get("label"), dict) else {}
        label.pop("name", None)
        if tidied := tidy(name):
            label["name"] = tidied
        _set(face, "label", label)

    def not_of(self, face: dict[str, Any]) -> list[str]:
        """Who a person said it isn't."""
        return all_names(face.get("not"))

    def set_not(self, face: dict[str, Any], names: Iterable[str]) -> None:
        _set(face, "not", all_names(list(names)))

    def apart_of(self, face: dict[str, Any]) -> list[str]:
        """From which faces a person told it apart, as `faces.grouping.marks` reads it."""
        return all_names(face.get("apart"))

    def set_apart(self, face: dict[str, Any], apart: Iterable[str]) -> None:
        _set(face, "apart", all_names(list(apart)))

    def group_of(self, face: dict[str, Any]) -> str | None:
        """The group of faces that it is in, by the machine's guess."""
        return plain(face.get("group"))

    def set_group(self, face: dict[str, Any], group: str | None) -> None:
        _set(face, "group", group)

    def is_ignored(self, face: dict[str, Any]) -> bool:
        return face.get("ignored") is True

    def set_ignored(self, face: dict[str, Any], ignored: bool) -> None:
        _set(face, "ignored", ignored)

    @property
    def unplaced(self) -> list[dict[str, Any]]:
        """What was said about faces that have no place in the photo."""
        found = self.get("unplaced")
        return [found] if isinstance(found, dict) else [one for one in found or [] if isinstance(one, dict)]

    def get(self, name: str) -> Any:
        """A field that the processor writes."""
        return below(self.source, self.field.at(name))

    def replace(self, name: str, value: Any) -> None:
        """Sets a field that the processor writes; None removes it."""
        put(self.source, self.field.at(name), value)

    def state(self) -> dict[str | None, State]:
        """What people said, as it is journalled: by the face's id, and of the document itself by None."""
        waiting = [{"id": one.get("id"), **state_of_face(one)} for one in self.unplaced]
        tags = sorted(tag for tag in self.tags if tag != NO_FACE)
        whole = {"name": tidy(self.names), "tags": tags, "unplaced": waiting}
        states: dict[str | None, State] = {None: {key: value for key, value in whole.items() if value}}
        for position, face in enumerate(self.faces):
            states[face_id(face, position)] = state_of_face(face)
        return states

    def copy(self) -> Document:
        """As it is now, whatever is changed in this one."""
        return Document(
            self.index,
            self.id,
            self.seq_no,
            self.primary_term,
            self.field,
            copy.deepcopy(self.source),
            self.dotted,
            self.routing,
        )

    def changes_since(self, before: Document) -> dict[str, Any]:
        """The partial document of an ``_update``; empty if nothing differs. None stands for what is gone."""
        names = dict.fromkeys([*(self.field.at(name) for name in CHANGED), "tags", *PERSON])
        fields = {}
        for name in names:
            value, earlier = below(self.source, name), below(before.source, name)
            if not _is_same(value, earlier):
                fields[name] = value
        if isinstance(face := fields.get(self.field.at("face")), dict):
            # Elasticsearch merges objects: what isn't named stays.
            fields[self.field.at("face")] = (
                dict.fromkeys(below(before.source, self.field.at("face")) or {}) | face
            )
        if isinstance(before.source.get("person"), list) and before.source["person"] != self.source["person"]:
            # Elasticsearch doesn't merge into an array of people.
            fields = {name: value for name, value in fields.items() if name not in PERSON}
            fields["person"] = self.source["person"]
        return document_of(fields, self.dotted)


def face_id(face: dict[str, Any], position: int) -> str:
    """The face's id; where somebody removed it, its position."""
    return str(face.get("id") or f"#{position}")


def source_of(where: Searchable) -> dict[str, Any]:
    """The ``_source`` of a search for documents. Elasticsearch 9 leaves vectors out by default."""
    names = {field.at(name) for field in where.fields for name in WRITTEN}
    return {"includes": sorted(names | set(SENT)), "exclude_vectors": False}


def read(
    es: Elasticsearch, where: Searchable, ids: Sequence[Key], source: dict[str, Any] | None = None
) -> list[Document]:
    """The documents with these keys, in this order, without those that are gone.

    Args:
        source: the ``_source`` to read; default: `source_of`.

    Found is what the last refresh has: `faces.decisions.changing.change` refreshes before it reads.
    """
    if not ids:
        return []
    hits = es.search(
        index=where.name,
        query=of_keys(ids),
        size=len(ids),
        source=source or source_of(where),
        seq_no_primary_term=True,
        track_total_hits=False,
        # Else the documents of a shard that doesn't answer would count as deleted.
        allow_partial_search_results=False,
    )["hits"]["hits"]
    found = {(hit["_index"], hit["_id"]): Document.of(hit, where) for hit in hits}
    return [found[key] for key in dict.fromkeys(ids) if key in found]


def of_keys(keys: Iterable[Key]) -> dict[str, Any]:
    """A query for the documents with these keys; for none without keys."""
    by_index: dict[str, list[str]] = defaultdict(list)
    for index, key in keys:
        by_index[index].append(key)
    each = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": ids}}]}}
        for index, ids in by_index.items()
    ]
    # Without a clause, Elasticsearch would find all documents.
    return {"bool": {"should": each}} if each else {"match_none": {}}


def _is_same(one: Any, other: Any) -> bool:
    """Whether nothing is stored in either, or the same."""
    nothing: tuple[Any, ...] = (None, [], {})
    return one == other or (one in nothing and other in nothing)


def _set(face: dict[str, Any], name: str, value: Any) -> None:
    """Sets a field of a face, or removes it with what is empty."""
    for key in [key for key in face if key == name or key.startswith(f"{name}.")]:
        del face[key]
    if value:
        face[name] = value
