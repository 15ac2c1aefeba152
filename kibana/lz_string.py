"""lz-string's compression, the form in which Console reads a text from a link (see `console_links`).

Our own, because PyPI has no good library: `lzstring` has no wheel and needs Python 2's `future`; the others
are new and hardly used. The result equals that of lz-string 1.5.0 for JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterator

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$"
NEW_CHARACTER, END, FIRST_CODE = 0, 2, 3


def compress_to_encoded_uri_component(text: str) -> str:
    """
    Raises:
        ValueError: a character is outside Latin-1; none of our links needs one.
    """
    text.encode("latin-1")
    bits = "".join(f"{value:0{width}b}"[::-1] for value, width in _values(text))
    padded = bits.ljust((len(bits) // 6 + 1) * 6, "0")
    return "".join(ALPHABET[int(padded[at : at + 6], 2)] for at in range(0, len(padded), 6))


def _values(text: str) -> Iterator[tuple[int, int]]:
    """(number, its bits). Codes get one bit longer whenever the reader's table outgrows them."""
    width, room = 2, 2
    for token in _tokens(text):
        if isinstance(token, str):
            yield NEW_CHARACTER, width
            yield ord(token), 8
        else:
            yield token, width
        for _ in range(2 if isinstance(token, str) else 1):
            room -= 1
            if room == 0:
                room = 2**width
                width += 1
    yield END, width


def _tokens(text: str) -> Iterator[int | str]:
    """The text's phrases: a new character as itself, everything known by its code."""
    codes: dict[str, int] = {}
    unsent: set[str] = set()
    phrase = ""
    for character in text:
        if character not in codes:
            codes[character] = FIRST_CODE + len(codes)
            unsent.add(character)
        if phrase + character in codes:
            phrase += character
            continue
        yield phrase if phrase in unsent else codes[phrase]
        unsent.discard(phrase)
        codes[phrase + character] = FIRST_CODE + len(codes)
        phrase = character
    if phrase:
        yield phrase if phrase in unsent else codes[phrase]
