"""What people say about single faces: who it is, who it isn't, that nobody wants to see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from faces.decisions.changing import Edit, NotEdited
from faces.decisions.choosing import Chosen
from faces.decisions.documents import Document, Key, face_id
from faces.names import plain, tidy
from ingest_service.errors import WrongArguments

FaceEdit = Callable[[Document, dict[str, Any]], None]
GONE = "the face isn't there any more: its photo was replaced"


LONGEST_NAME = 200
"""Characters of a name that is given, at most."""


class BadName(WrongArguments):
    """A name that nobody can have; the message says why."""


def known_name(text: str) -> str:
    """The name of somebody who may be there already, as it is stored: in NFC, without blanks at its ends.

    Raises:
        BadName: nothing is left of it.
    """
    name = tidy(text)
    if name is None:
        raise BadName("the name is empty: name a person")
    return str(name)


def one_name(text: str) -> str:
    """A name to be given, as `known_name`.

    Raises:
        BadName: nothing is left of it, or it is too long.
    """
    name = known_name(text)
    if len(name) > LONGEST_NAME:
        raise BadName(f"the name has {len(name):,} characters: a name has at most {LONGEST_NAME}")
    return name


def label(name: str) -> FaceEdit:
    """The face shows this person, whoever it was said to show, or not to show, before."""

    def edit(document: Document, face: dict[str, Any]) -> None:
        document.set_label(face, name)
        document.set_not(face, [one for one in document.not_of(face) if one != name])

    return edit


def unlabel(document: Document, face: dict[str, Any]) -> None:
    """Nobody has said who the face shows."""
    document.set_label(face, None)


def rule_out(names: Sequence[str]) -> FaceEdit:
    """The face shows none of these people: a label that says so goes."""

    def edit(document: Document, face: dict[str, Any]) -> None:
        document.set_not(face, [*document.not_of(face), *names])
        if document.label_of(face) in names:
            document.set_label(face, None)

    return edit


def rule_out_shown(document: Document, face: dict[str, Any]) -> None:
    """The face isn't whom it is shown as: its label, or else the best guess."""
    shown = document.label_of(face) or plain((face.get("match") or {}).get("name"))
    if shown is None:
        raise NotEdited("nobody is shown there: say who it isn't")
    rule_out([shown])(document, face)


def ignore(ignored: bool) -> FaceEdit:
    """Whether nobody wants to see the face."""

    def edit(document: Document, face: dict[str, Any]) -> None:
        document.set_ignored(face, ignored)

    return edit


class FaceEdits:
    """Edits of single faces, by document."""

    def __init__(self) -> None:
        self._edits: dict[Key, dict[str, FaceEdit]] = defaultdict(dict)

    def add(self, faces: Iterable[Chosen], edit: FaceEdit) -> None:
        """Another edit of the same face takes the place of the one before."""
        for one in faces:
            self.add_by_id(one.document.key, face_id(one.face, one.position), edit)

    def add_by_id(self, key: Key, face: str, edit: FaceEdit) -> None:
        """
        Args:
            face: its id, by `face_id`.
        """
        self._edits[key][face] = edit

    @property
    def keys(self) -> list[Key]:
        return list(self._edits)

    def __len__(self) -> int:
        return sum(map(len, self._edits.values()))

    @property
    def edit(self) -> Edit:
        """For `faces.decisions.changing.change`."""

        def edit(document: Document) -> None:
            wanted = dict(self._edits[document.key])
            for position, face in enumerate(document.faces):
                if own := wanted.pop(face_id(face, position), None):
                    own(document, face)
            if wanted:
                raise NotEdited(GONE)

        return edit
