"""One spelling for names and paths, wherever they come from."""

from __future__ import annotations

import unicodedata
from typing import Any

from ingest_service.errors import UserError


class UnknownPerson(UserError):
    """Nobody of this name is known; the message says what to do."""


def nfc(text: str) -> str:
    """``text`` in Unicode's form NFC. A file system of macOS spells an accented letter with two characters, a
    keyboard with one: two spellings of a name would be two people."""
    return unicodedata.normalize("NFC", text)


def spellings(name: str) -> list[str]:
    """A name as it may be stored: as it was sent, in either form of Unicode."""
    return sorted({name, nfc(name), unicodedata.normalize("NFD", name)})


def is_lone(faces: int, found: int | None, drawn: bool) -> bool:
    """Whether a face is the only one of its photo, so that the photo's name says whom it shows.

    Args:
        faces: how many faces the document has.
        found: how many were found in its photo, as some may have been removed; None in documents from before
            this was stored.
        drawn: whether a person drew the face's box: the photo's name is not of such a face.
    """
    return faces == 1 and found in (None, 1) and not drawn


def name_of_face(
    label: Any, photo_name: Any, faces: int, found: int | None, drawn: bool = False
) -> str | None:
    """Who a face is, as people said: its label, or the name of its photo if no other face was found there.

    Args:
        label, photo_name: ``label.name`` and ``person.name`` as they are stored: a name, several, or none.
        faces, found, drawn: as `is_lone`.

    Returns:
        the name in NFC, several as one text; None if nobody said one.
    """
    return _as_one(label) or (_as_one(photo_name) if is_lone(faces, found, drawn) else None)


def _as_one(value: Any) -> str | None:
    names = value if isinstance(value, list) else [value]
    return ", ".join(nfc(str(name)) for name in names if name not in (None, "")) or None


UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf")
"""Unicode's categories of characters that aren't seen at either end of a name."""


def plain(value: Any) -> str | None:
    """The one name in a field's value, as the plugin reads it; None without one, or with several."""
    names = all_names(value)
    return names[0] if len(names) == 1 else None


def all_names(value: Any) -> list[str]:
    """All different names in a field's value, in order: strings, numbers and booleans, in arrays too, in NFC
    and without what isn't seen at both ends."""
    if isinstance(value, list):
        return list(dict.fromkeys(name for one in value for name in all_names(one)))
    if isinstance(value, bool):
        return [str(value).lower()]
    if not isinstance(value, str | int | float):
        return []
    name = _stripped(nfc(str(value)))
    return [name] if name else []


def tidy(value: Any) -> Any:
    """A field's value with all its names in one form: one as text, several as a list, None without any. A
    value with an object stays as it is."""
    if _has_object(value):
        return value
    names = all_names(value)
    return names if len(names) > 1 else names[0] if names else None


def _stripped(text: str) -> str:
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start]) in UNSEEN:
        start += 1
    while end > start and unicodedata.category(text[end - 1]) in UNSEEN:
        end -= 1
    return text[start:end]


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))
