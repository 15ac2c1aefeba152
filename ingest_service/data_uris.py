"""A photo's bytes from the text that was sent: base64 (RFC 4648), or a ``data:`` URI (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
import re

from ingest_service.errors import FaceServiceError

LONGEST_HEADER = 2_048
"""Characters before a ``data:`` URI's comma: a file name of 255 bytes, percent-encoded, has 765."""

# A comma in a quoted parameter doesn't end the header, unless its quote is only a part of a file name.
HEADER_WITH_QUOTES = re.compile(r'data:((?:"(?:[^"\\]|\\.)*"|[^",])*),', re.IGNORECASE)
HEADER = re.compile(r"data:([^,]*),", re.IGNORECASE)
IS_BASE64 = re.compile(r";\s*base64\s*(?:;|$)", re.IGNORECASE)

WHITE_SPACE = b" \t\r\n\f"
STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
"""From base64url's."""


def photo_bytes(sent: object, max_bytes: int) -> bytes:
    """The bytes of a photo that was sent as text.

    Base64 may be of the standard or the URL-safe alphabet, with or without padding and white space.

    Raises:
        FaceServiceError: ``not_base64``, or ``too_large``, before anything is decoded.
    """
    if not isinstance(sent, str):
        raise FaceServiceError("not_base64", "the photo is absent, or isn't a string")
    text = sent.lstrip()
    start = text[: len("data:") + LONGEST_HEADER + 1]
    try:
        if start[:5].lower() != "data:":
            return _from_base64(text.encode("ascii"), max_bytes)
        header = HEADER_WITH_QUOTES.match(start) or HEADER.match(start)
        if header is None:
            problem = f"[data:] has no comma within {LONGEST_HEADER} characters"
            raise FaceServiceError("not_base64", problem)
        payload = text[header.end() :].encode("ascii")
        payload = _percent_decoded(payload, max_bytes) if b"%" in payload else payload
        if IS_BASE64.search(header[1]):
            return _from_base64(payload, max_bytes)
    except UnicodeEncodeError:
        raise FaceServiceError("not_base64", "the photo has letters that aren't base64's") from None
    _require_size(len(payload), max_bytes)
    return payload


def _from_base64(encoded: bytes, max_bytes: int) -> bytes:
    try:
        if _decoded_size(encoded) <= max_bytes:
            return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        pass  # as most never are: with line breaks, say
    encoded = encoded.translate(STANDARD_ALPHABET, WHITE_SPACE)
    if not encoded.endswith(b"="):
        encoded += b"=" * (-len(encoded) % 4)
    _require_size(_decoded_size(encoded), max_bytes)
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise FaceServiceError("not_base64", "the photo isn't base64") from None


def _decoded_size(encoded: bytes) -> int:
    """In bytes, of base64 without white space."""
    return len(encoded) // 4 * 3 - encoded[-2:].count(b"=")


def _percent_decoded(payload: bytes, max_bytes: int) -> bytes:
    # The longest that may follow is base64 with its white space, of which each is encoded.
    _require_size(len(payload) - 2 * payload.count(b"%"), 2 * max_bytes)
    # As quoted-printable, which is decoded in C: urllib.parse takes 160 times the memory.
    return binascii.a2b_qp(payload.replace(b"=", b"=3D").replace(b"%", b"="))


def _require_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise FaceServiceError("too_large", f"the photo is over {max_bytes / 1e6:g} MB")
