"""What people say about a group: who it is, and which of its faces are somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from faces.decisions.changing import Changed, NotEdited, change
from faces.decisions.choosing import NoSuchFace, documents_of
from faces.decisions.documents import Document, Key, face_id
from faces.decisions.entries import Operation
from faces.decisions.journal import Journal
from faces.decisions.labelling import GONE
from faces.grouping.listing import in_group, is_in_group
from faces.grouping.marks import KEPT, SPLIT, side
from faces.pages import every_hit
from faces.searchable import Searchable

FaceKey = tuple[Key, str]
"""A document, and the id of a face in it."""


@dataclass
class GroupNaming:
    """Names every face of a group.

    contradicting: faces that stay unnamed: people said that they aren't this person's, or that another face
        of their photo is.
    """

    group: str
    name: str
    contradicting: dict[FaceKey, str] = field(default_factory=dict)

    def run(
        self, es: Elasticsearch, journal: Journal, operation: Operation, where: Searchable, dry_run: bool
    ) -> Iterator[Changed]:
        """Yields what became of each document.

        Raises: as `faces.decisions.changing.change`.
        """
        keys = _documents(es, where, self.group)
        return change(es, journal, operation, where, keys, self._edit, dry_run)

    def _edit(self, document: Document) -> None:
        for place, face in enumerate(document.faces):
            if not is_in_group(document, face, self.group):
                continue
            if why := self._contradicted(document):
                self.contradicting[document.key, face_id(face, place)] = why
            elif self.name in document.not_of(face):
                self.contradicting[document.key, face_id(face, place)] = (
                    f"{document.path}: it is not [{self.name}]"
                )
            else:
                document.set_label(face, self.name)

    def _contradicted(self, document: Document) -> str | None:
        if any(document.label_of(face) == self.name for face in document.faces):
            return f"{document.path}: another of its faces is [{self.name}]"
        return None


def chosen_of_group(es: Elasticsearch, where: Searchable, group: str, text: str, split: str) -> list[FaceKey]:
    """The face that is meant, once for each document of its photo. Of a photo only one face is in a group.

    Args:
        text: a face's id, or a photo, as `faces.decisions.choosing.documents_of` takes it.
        split: the id of the operation: a face that a killed run of it has split off is meant, too.

    Raises:
        NoSuchFace: no such photo or face, or none of its faces is in the group.
        SeveralFaces: different photos have this name.
    """
    found = [
        (document.key, face_id(face, place))
        for document in documents_of(es, where, text)
        for place, face in enumerate(document.faces)
        if is_in_group(document, face, group) or side(split, SPLIT) in document.apart_of(face)
    ]
    # An id that is a face's means that one alone.
    own = [one for one in found if one[1] == text] or found
    if not own:
        raise NoSuchFace(
            f"[{text}] has no face in group [{group}]: `faces group list {group}` lists its faces"
        )
    return own


def split(
    es: Elasticsearch,
    journal: Journal,
    operation: Operation,
    where: Searchable,
    group: str,
    faces: Collection[FaceKey],
    dry_run: bool = False,
) -> Iterator[Changed]:
    """Tells faces apart from the others of their group, for good. Yields what became of each document.

    Both sides are written down in the faces, and not only the group: a group is made anew, may get another
    id, and ends when it is named.

    Raises: as `faces.decisions.changing.change`.
    """

    def edit(document: Document) -> None:
        wanted = {face for key, face in faces if key == document.key}
        for place, face in enumerate(document.faces):
            own = face_id(face, place)
            if own in wanted:
                wanted.discard(own)
                document.set_group(face, None)
                _add_side(document, face, side(operation.id, SPLIT))
            elif is_in_group(document, face, group):
                _add_side(document, face, side(operation.id, KEPT))
        if wanted:
            raise NotEdited(GONE)

    def keys() -> Iterator[Key]:
        # First those that are split off: a run that is killed in between has said what it is about.
        yield from (first := dict.fromkeys(key for key, _ in faces))
        yield from (key for key in _documents(es, where, group) if key not in first)

    yield from change(es, journal, operation, where, keys(), edit, dry_run)


def _add_side(document: Document, face: dict[str, Any], one: str) -> None:
    document.set_apart(face, [*document.apart_of(face), one])


def _documents(es: Elasticsearch, where: Searchable, group: str) -> Iterator[Key]:
    with closing(every_hit(es, where.name, in_group(where, group), source=False)) as hits:
        for hit in hits:
            yield hit["_index"], hit["_id"]
