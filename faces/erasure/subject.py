"""Who or what is forgotten, and which faces of a document that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from faces.decisions.documents import Key, face_id
from faces.erasure.fields import Source, get, names_in
from faces.explore.stored_faces import held
from faces.names import is_lone
from faces.searchable import FaceField


@dataclass(frozen=True)
class Subject:
    """
    name: of a person, in NFC; None: only documents and faces.
    documents: those that go as a whole.
    faces: single faces, by their document and their ``faces.id``.
    """

    name: str | None = None
    documents: frozenset[Key] = frozenset()
    faces: frozenset[tuple[Key, str]] = frozenset()

    def and_also(self, faces: Iterable[tuple[Key, str]] = (), documents: Iterable[Key] = ()) -> Subject:
        return Subject(self.name, self.documents.union(documents), self.faces.union(faces))


@dataclass(frozen=True)
class Place:
    """A document as it was read, and the field of it that holds faces."""

    key: Key
    source: Source
    field: FaceField

    @cached_property
    def faces(self) -> list[dict[str, Any]]:
        return held(self.source, self.field)

    def at(self, name: str) -> Any:
        return get(self.source, self.field.at(name))

    @property
    def photo_names(self) -> set[str]:
        """``person.name``: below a target field it may be the sender's at the top, too."""
        return names_in(get(self.source, "person.name")) | names_in(self.at("person.name"))

    @property
    def is_lone(self) -> bool:
        """Whether the photo shows one face, so that its name is the face's."""
        drawn = any(face.get("drawn") is True for face in self.faces)
        return is_lone(len(self.faces), self.at("photo.faces_found"), drawn)

    @property
    def was_processed(self) -> bool:
        """Whether this is a photo of ours: an index of somebody's own has other documents too."""
        return any(self.at(name) is not None for name in ("model.id", "face_count", "error.code"))


@dataclass(frozen=True)
class Treatment:
    """What becomes of a document.

    delete: as a whole; else faces: the positions of those that are blanked.
    names: the fields that name the person, and lose the name.
    """

    delete: bool
    faces: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_needed(self) -> bool:
        return self.delete or bool(self.faces) or bool(self.names)


def treatment_of(place: Place, subject: Subject) -> Treatment:
    """Whole documents: portraits of the person, photos on which nobody else is, and those chosen as such. Of
    a photo of several only the person's faces go, and the person's name from everything else."""
    if place.key in subject.documents:
        return Treatment(delete=True)
    names = _naming_fields(place, subject.name) if subject.name else ()
    chosen = [
        position
        for position, face in enumerate(place.faces)
        if (place.key, face_id(face, position)) in subject.faces or _is_named(place, face, subject.name)
    ]
    if place.field.nested and place.faces:
        return Treatment(delete=len(chosen) == len(place.faces), faces=tuple(chosen), names=names)
    if chosen and not place.field.nested:
        return Treatment(delete=True)
    is_theirs = bool(subject.name) and place.photo_names == {subject.name} and place.was_processed
    return Treatment(delete=is_theirs and "unplaced" not in names, names=names)


def _is_named(place: Place, face: dict[str, Any], name: str | None) -> bool:
    if name is None:
        return False
    if not place.field.nested:
        return name in place.photo_names
    label = names_in(get(face, "label.name")) | names_in(face.get("label"))
    return name in label or (not label and place.is_lone and place.photo_names == {name})


def _naming_fields(place: Place, name: str) -> tuple[str, ...]:
    found = []
    if name in place.photo_names:
        found.append("person.name")
    if name in names_in(get(place.source, "person.sent_name")) | names_in(place.at("person.sent_name")):
        found.append("person.sent_name")
    for what in ("label.name", "not", "match.name"):
        if any(name in names_in(get(face, what)) for face in place.faces):
            found.append(f"faces.{what}")
    if any(
        name in names_in(one.get("name")) for face in place.faces for one in listed(face.get("candidates"))
    ):
        found.append("faces.candidates")
    if any(names_waiting(one, name) for one in listed(place.at("unplaced"))):
        found.append("unplaced")
    return tuple(found)


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects of a field that holds one, several, or none."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def names_waiting(unplaced: dict[str, Any], name: str) -> bool:
    """Whether what waits for a place says that a face is this person, or isn't."""
    return name in names_in(get(unplaced, "label.name")) | names_in(unplaced.get("not"))
