"""One spelling for names and paths, wherever they come from."""

from __future__ import annotations

import unicodedata


def nfc(text: str) -> str:
    """``text`` in Unicode's form NFC. A file system of macOS spells an accented letter with two characters, a
    keyboard with one: two spellings of a name would be two people."""
    return unicodedata.normalize("NFC", text)
