"""Text from outside on one line, without characters that act where it is shown."""

from __future__ import annotations

import json
import unicodedata

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that are not seen but act: line breaks, a terminal's escape sequences,
characters that reverse the text after them, halves of a surrogate pair."""
JOINERS = "\u200c\u200d"
"""Of category Cf, too, and needed to spell Persian and Hindi, and for emoji: after a character that isn't
ASCII."""
MARKS = ("Mn", "Me")
"""Accents and the like, which are drawn over the character before them."""
MARKS_IN_A_ROW = 8
"""More than any language needs; hundreds of them cover the lines above and below."""
LONGEST = 10_000
"""Characters that are shown of a text."""


def printable(text: str) -> str:
    """``text`` on one line: characters that act become their escapes, such as ``\\n`` and ``\\x1b``, and so
    do the accents after the eighth on one letter. Of a text of more than 10,000 characters the first are
    shown, and how many more there are."""
    shown = text[:LONGEST]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_characters(shown))
    return shown if len(text) <= LONGEST else f"{shown}… ({len(text) - LONGEST:,} more characters)"


def json_text(text: str) -> str:
    """JSON, in lines, whose strings have JSON's escapes in place of the characters that act."""
    return "".join(
        json.dumps(one)[1:-1] if one != "\n" and unicodedata.category(one) in UNSEEN else one for one in text
    )


def _characters(text: str) -> list[str]:
    shown, before, marks = [], "", 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in MARKS else 0
        joins = character in JOINERS and not before.isascii() and before not in JOINERS
        acts = category in UNSEEN and not joins
        shown.append(_escaped(character) if acts or marks > MARKS_IN_A_ROW else character)
        before = character
    return shown


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
