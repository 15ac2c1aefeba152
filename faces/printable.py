"""Text from outside, such as names, paths and errors, as text that can do no harm where it is shown."""

from __future__ import annotations

import unicodedata

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that are not seen but act: line breaks, a terminal's escape sequences,
characters that reverse the text after them, halves of a surrogate pair."""
JOINERS = "\u200c\u200d"
"""Of category Cf, too, and needed to spell Persian and Hindi, and for emoji."""


def printable(text: str) -> str:
    """``text`` on one line: characters that act become their escapes, such as ``\\n`` and ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _acts(character) else character for character in text)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN and character not in JOINERS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
