"""All that is known of where a person is, a row for each face: for a spreadsheet or another program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

from elasticsearch import Elasticsearch

from faces.decisions.derived import lone_face
from faces.decisions.documents import face_id
from faces.decisions.journal import Journal
from faces.listing.photos import ListedPhoto, photos
from faces.names import all_names, nfc
from faces.searchable import Searchable

Known = Literal["label", "photo", "guess"]
Place = tuple[str, str, str | None]
"""Index and id of a document, and the face's id; None for the document itself."""


@dataclass(frozen=True)
class ExportedFace:
    """
    path: of the photo's file; face, position: the face's id, and where in the document it is, from 0.
    x, y, width, height: its box, in pixels of the upright photo.
    known: ``label``: a person said that this face is theirs; ``photo``: that they are on the photo, which has
        several faces, so the row has no face; ``guess``: a match that nobody confirmed.
    similarity: to their portraits, where the gallery was searched.
    decided_by, decided_at: who said so and when, where the journal knows.
    """

    path: str
    index: str
    id: str
    face: str | None
    position: int | None
    x: int | None
    y: int | None
    width: int | None
    height: int | None
    date: str | None
    observer: str | None
    known: Known
    similarity: float | None
    decided_by: str | None
    decided_at: str | None

    def values(self) -> list[Any]:
        """In the order of `columns`."""
        return [getattr(self, name) for name in columns()]

    def as_json(self) -> dict[str, Any]:
        return dict(zip(columns(), self.values(), strict=True))


def columns() -> list[str]:
    return [column.name for column in fields(ExportedFace)]


def exported(
    es: Elasticsearch, where: Searchable, name: str, journal: Journal | None
) -> Iterator[ExportedFace]:
    """Each face of a person, newest photo first.

    Args:
        name: as it is stored.
        journal: None if it can't be read.
    """
    decided = _decided(journal, name) if journal else {}
    for photo in photos(es, where, [name], guesses=True):
        yield from _of_photo(photo, name, decided)


def _decided(journal: Journal, name: str) -> dict[Place, tuple[str, str]]:
    """Who said last that a face, or a photo, is this person's, and when."""
    found: dict[Place, tuple[str, str] | None] = {}
    # Newest first: what the journal says of a place before that doesn't count any more.
    for decision in journal.decisions(name=name):
        said = decision.after.get("name" if decision.face is None else "label")
        by = (decision.operation.user, decision.operation.at) if name in all_names(said) else None
        found.setdefault((decision.index, decision.document, decision.face), by)
    return {place: by for place, by in found.items() if by}


def _of_photo(photo: ListedPhoto, name: str, decided: dict[Place, tuple[str, str]]) -> Iterator[ExportedFace]:
    document, is_placed = photo.document, False
    guesses = []
    for position, face in enumerate(document.faces):
        if name in all_names((face.get("label") or {}).get("name")):
            is_placed = True
            yield _row(photo, name, "label", position, decided)
        elif _is_guess(face, name):
            guesses.append(position)
    if not is_placed and name in document.names:
        lone = lone_face(document) is not None
        yield _row(photo, name, "label" if lone else "photo", 0 if lone else None, decided)
    for position in guesses:
        yield _row(photo, name, "guess", position, {})


def _is_guess(face: dict[str, Any], name: str) -> bool:
    """Whether it is a match that no person has decided about otherwise."""
    is_match = all_names((face.get("match") or {}).get("name")) == [name]
    return is_match and not (face.get("label") or {}).get("name") and name not in all_names(face.get("not"))


def _row(
    photo: ListedPhoto, name: str, known: Known, position: int | None, decided: dict[Place, tuple[str, str]]
) -> ExportedFace:
    document = photo.document
    face = {} if position is None else document.faces[position]
    own = None if position is None else face_id(face, position)
    box = face.get("box") or {}
    by, at = decided.get((*document.key, own)) or decided.get((*document.key, None)) or (None, None)
    return ExportedFace(
        path=nfc(document.path),
        index=document.index,
        id=document.id,
        face=own,
        position=position,
        x=box.get("x"),
        y=box.get("y"),
        width=box.get("width"),
        height=box.get("height"),
        date=photo.date,
        observer=photo.observer,
        known=known,
        similarity=_similarity(face, name),
        decided_by=by,
        decided_at=at,
    )


def _similarity(face: dict[str, Any], name: str) -> float | None:
    for guess in (face.get("match"), *(face.get("candidates") or [])):
        if isinstance(guess, dict) and all_names(guess.get("name")) == [name]:
            return guess.get("similarity")
    return None
