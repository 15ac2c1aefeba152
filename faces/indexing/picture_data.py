"""A digest of a photo without its metadata: it stays when a program writes tags or a date into the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

JPEG_METADATA = {*range(0xE0, 0xF0), 0xFE}
"""Markers of segments for programs (EXIF, XMP, previews) and of comments."""
JPEG_SCAN = 0xDA
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_METADATA = {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"}
WEBP_METADATA = {b"EXIF", b"XMP ", b"VP8X"}
"""VP8X says, among others, whether the file has the other two."""


def picture_hash(photo: bytes) -> str | None:
    """The start of the SHA-256, in hex; None if the file is no JPEG, PNG or WebP picture, or damaged."""
    if photo.startswith(b"\xff\xd8"):
        parts = _jpeg(photo)
    elif photo.startswith(PNG_START):
        parts = _png(photo)
    elif photo.startswith(b"RIFF") and photo[8:12] == b"WEBP":
        parts = _webp(photo)
    else:
        return None
    digest = hashlib.sha256()
    found = False
    for part in parts:
        digest.update(part)
        found = True
    return digest.hexdigest()[:32] if found else None


def _jpeg(photo: bytes) -> Iterator[bytes]:
    at = 2
    while at + 4 <= len(photo) and photo[at] == 0xFF:
        marker = photo[at + 1]
        if marker == JPEG_SCAN:
            yield photo[at:]
            return
        length = int.from_bytes(photo[at + 2 : at + 4], "big")
        if marker not in JPEG_METADATA:
            yield photo[at : at + 2 + length]
        at += 2 + length


def _png(photo: bytes) -> Iterator[bytes]:
    at = len(PNG_START)
    while at + 8 <= len(photo):
        length, kind = int.from_bytes(photo[at : at + 4], "big"), photo[at + 4 : at + 8]
        if kind not in PNG_METADATA:
            yield photo[at : at + 12 + length]
        at += 12 + length


def _webp(photo: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(photo):
        kind, length = photo[at : at + 4], int.from_bytes(photo[at + 4 : at + 8], "little")
        if kind not in WEBP_METADATA:
            yield photo[at : at + 8 + length]
        at += 8 + length + length % 2
