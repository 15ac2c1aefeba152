"""What keeps faces apart: nobody is on a photo twice, and what people said is respected.

A mark says something about a face, as a key and a value. Two faces of which a key has different values are
never in one group. So a photo of several faces is a key with another value for each, a name a key whose value
is yes for who has it and no for whom it was ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faces.decisions.documents import Document

Marks = dict[tuple[str, Any], Any]
KEPT, SPLIT = "kept", "split"
"""The sides of a split: the faces that stayed in a group, and those of which people said that they aren't of
it."""


def marks_of(document: Document, face: dict[str, Any], position: int, name: str | None) -> Marks:
    """
    Args:
        position: of the face in its document.
        name: who people said it is.
    """
    marks: Marks = {}
    if len(document.faces) > 1:
        marks["photo", document.key] = position
    for ruled_out in document.not_of(face):
        marks["is", ruled_out] = False
    if name is not None:
        marks["is", name] = True
        marks["name", None] = name
    for split, side in sides(document.apart_of(face)):
        marks["split", split] = side
    return marks


def side(split: str, which: str) -> str:
    """As `faces.apart` has it.

    Args:
        split: the id of the operation by which people told faces apart.
    """
    return f"{split}/{which}"


def sides(apart: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Each split with the side that a face is on."""
    for one in apart:
        split, _, which = one.rpartition("/")
        if split:
            yield split, which


def are_apart(one: Marks, other: Marks) -> bool:
    """Whether a key has different values."""
    few, many = sorted((one, other), key=len)
    return any(many.get(key, value) != value for key, value in few.items())
