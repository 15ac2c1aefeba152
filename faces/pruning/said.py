"""What people said in a document, so that it isn't deleted with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faces.decisions.documents import Document
from faces.decisions.state import State
from faces.names import is_lone
from faces.photo_faces import FACE_FIELDS
from faces.photo_lists.own_fields import MACHINE_FIELDS, is_at_or_below
from faces.photos import readable

SENT = (
    *("@timestamp", "tags", "person.name", "url.original"),
    *("file.path", "file.name", "file.size", "file.mime_type"),
)
"""What `faces index FOLDER` sends, or people change where `faces.decisions.state` sees it."""
OF_FACES = {
    *FACE_FIELDS,
    *("id", "match", "candidates", "best_similarity", "group"),
    *("label", "not", "apart", "ignored", "drawn"),
}
"""The fields of a face that are nobody's own."""
GUESSES = ("guess", "group")
"""What of a state the machine says."""


@dataclass(frozen=True)
class Said:
    """
    states: by the face's id, and of the document itself by None; only those in which something was said.
    own: full names of fields that somebody has added, those of faces as ``faces.NAME``.
    """

    states: dict[str | None, State]
    own: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.states or self.own)

    @property
    def is_named(self) -> bool:
        """Whether somebody said who is on the photo."""
        return any(state.get("name") or state.get("label") for state in self.states.values())


def said_in(document: Document, folder_name: str | None) -> Said:
    """What people said in a document. A guess of the machine isn't.

    Args:
        document: all of its fields, but for vectors and pictures.
        folder_name: the name that `faces index --labels folder` gave the photo, which no person said; None if
            it gave none.
    """
    states = {
        face: {key: value for key, value in state.items() if key not in GUESSES}
        for face, state in document.state().items()
    }
    if folder_name is not None and states.get(None, {}).get("name") == folder_name:
        del states[None]["name"]
        lone = document.faces[0] if _is_lone(document) else None
        for face, state in states.items():
            if face is not None and lone is not None and state.get("label") == folder_name:
                del state["label"]
    return Said({face: state for face, state in states.items() if state}, tuple(_own_fields(document)))


def name_of_folder(path: str) -> str | None:
    """The name that a photo's folder gives it: as `faces.photo_folders.reading` reads it, but for folders
    that programs made."""
    parts = PurePosixPath(path).parts
    return readable(Path(parts[-2].replace("_", " "))).strip() or None if len(parts) > 1 else None


def _is_lone(document: Document) -> bool:
    faces, found = document.faces, document.get("photo.faces_found")
    return bool(faces) and is_lone(len(faces), found, faces[0].get("drawn") is True)


def _own_fields(document: Document) -> Iterator[str]:
    """Of a document that `faces index` made. What a crawler sent can't be told from what a person added."""
    if document.source.get("file", {}).get("path_hash"):
        machine = [document.field.at(name) for name in MACHINE_FIELDS]
        for name in _leaves(document.source):
            if not any(is_at_or_below(field, name) for field in (*machine, *SENT)):
                yield name
    names = {name for face in document.faces for name in _names(face)}
    yield from sorted(f"faces.{name}" for name in names - OF_FACES)


def _names(face: dict[str, Any]) -> set[str]:
    return {name.partition(".")[0] for name, value in face.items() if value is not None}


def _leaves(values: dict[str, Any], above: str = "") -> Iterator[str]:
    """Full names of the fields that have a value."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        elif value not in (None, "", []):
            yield above + name
