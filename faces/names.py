"""One spelling for names and paths, wherever they come from."""

from __future__ import annotations

import unicodedata
from typing import Any


def nfc(text: str) -> str:
    """``text`` in Unicode's form NFC. A file system of macOS spells an accented letter with two characters, a
    keyboard with one: two spellings of a name would be two people."""
    return unicodedata.normalize("NFC", text)


def name_of_face(label: Any, photo_name: Any, faces: int, found: int | None) -> str | None:
    """Who a face is, as people said: its label, or the name of its photo if no other face was found there.

    Args:
        label, photo_name: ``label.name`` and ``person.name`` as they are stored: a name, several, or none.
        faces: how many faces the document has.
        found: how many were found in its photo, as some may have been removed; None in documents from before
            this was stored.

    Returns:
        the name in NFC, several as one text; None if nobody said one.
    """
    is_lone = faces == 1 and found in (None, 1)
    return _as_one(label) or (_as_one(photo_name) if is_lone else None)


def _as_one(value: Any) -> str | None:
    names = value if isinstance(value, list) else [value]
    return ", ".join(nfc(str(name)) for name in names if name not in (None, "")) or None
