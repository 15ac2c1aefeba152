"""JSON from strangers, in memory that its size bounds.

Python takes dozens of bytes for a byte of JSON such as `[[],[]]`, and holds its interpreter's lock meanwhile.
Our JSON is a few long texts, the photos, in a small skeleton. So the texts are taken out first, and what is
left has to be small.
"""

from __future__ import annotations

import codecs
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

LONG = 1_024
"""Bytes from which on a text is taken out."""
MOST_ESCAPED_QUOTES = 10_000
MOST_BACKSLASHES = 1_024
"""In a row, before a quote."""
ESCAPED_LETTER = re.compile(rb"\\u(?!00[0-7])[0-9a-fA-F]{4}")
"""Outside ASCII. Inside, programs escape base64's `+`."""
ESCAPED = 6
"""Bytes of such a letter."""
LONGEST_DATA_HEADER = 16_384
"""Bytes of a text that may hold letters outside ASCII: a `data:` URI's header may have a file's name."""


class NotJson(ValueError):
    """The bytes aren't JSON, as UTF-8."""


class TooManyParts(ValueError):
    """The JSON has too many values beside its long texts."""


@dataclass(frozen=True)
class Skeleton:
    """
    value: the JSON, with names in place of the long texts.
    texts: those, by name. Letters outside ASCII are question marks, which base64 has as little.
    """

    value: Any
    texts: dict[str, str]


def read(data: bytes, most_parts: int, longest_text: int) -> Skeleton:
    """
    Args:
        most_parts: bytes that all but the long texts may have.
        longest_text: bytes of a text that is of use; a longer one with `\\u` escapes isn't read.

    Raises:
        NotJson, TooManyParts
    """
    # Whoever wrote the JSON can't have known it, so none of its own texts is taken for a name.
    secret = secrets.token_hex(8)
    parts: list[bytes] = []
    size = 0
    texts: dict[str, str] = {}
    for start, end, is_text in _pieces(data):
        if is_text and end - start > LONG:
            name = f"{secret}-{len(texts)}"
            texts[name] = _text(data[start:end], longest_text)
            parts.append(f'"{name}"'.encode())
            size += len(parts[-1])
        else:
            size += end - start
            parts.append(data[start:end] if size <= most_parts else b"")
        if size > most_parts:
            raise TooManyParts
    try:
        return Skeleton(json.loads(b"".join(parts).decode(), parse_constant=_refuse_constant), texts)
    except (ValueError, RecursionError):
        raise NotJson from None


def _pieces(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each text with its quotes, and of what is between, in order; is it a text?"""
    at = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    escaped_quotes = 0
    while (start := data.find(b'"', at)) >= 0:
        yield at, start, False
        end = data.find(b'"', start + 1)
        while end >= 0 and _is_escaped(data, start, end):
            escaped_quotes += 1
            if escaped_quotes > MOST_ESCAPED_QUOTES:
                raise TooManyParts
            end = data.find(b'"', end + 1)
        if end < 0:
            raise NotJson
        at = end + 1
        yield start, at, True
    yield at, len(data), False


def _is_escaped(data: bytes, start: int, quote: int) -> bool:
    before = data[max(start + 1, quote - MOST_BACKSLASHES) : quote]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    if backslashes == MOST_BACKSLASHES:
        raise TooManyParts
    return backslashes % 2 == 1


def _text(quoted: bytes, longest: int) -> str:
    if b"\\u" in quoted:
        if len(quoted) > longest:
            return "?"
        # One letter outside ASCII, and each character of the text has two bytes or four in memory.
        header = _before_a_letter(quoted, LONGEST_DATA_HEADER)
        if len(quoted) > header and ESCAPED_LETTER.search(quoted, header - ESCAPED):
            return "?"
        quoted = ESCAPED_LETTER.sub(b"?", quoted[:header]) + quoted[header:]
    try:
        if not quoted.isascii():
            header = _before_a_letter(quoted, LONGEST_DATA_HEADER)
            if not quoted[header:].isascii():
                return "?"
            quoted = quoted[:header].decode().encode("ascii", "replace") + quoted[header:]
        text: str = json.loads(quoted)
    except ValueError:
        raise NotJson from None
    return text if text.isascii() else text.encode("ascii", "replace").decode()


def _before_a_letter(data: bytes, at: int) -> int:
    """The last place up to ``at`` at which no letter of UTF-8 is cut."""
    while at > 0 and at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return min(at, len(data))


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity: Python reads them, but they aren't JSON."""
    raise ValueError(name)
