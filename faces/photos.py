"""A photo in a file, and a photo with what its sender says about it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from faces.names import nfc

PIECE = 1 << 20
"""Bytes of a file that are read at once."""


@dataclass(frozen=True)
class PhotoFile:
    """A file that may be a photo.

    path: where it is.
    name: its path below the indexed folder, with slashes, in NFC; the document's ``file.path``.
    label: its person's name in NFC, if known.
    """

    path: Path
    name: str
    label: str | None = None


@dataclass(frozen=True)
class SentPhoto(PhotoFile):
    """A photo to index, with what its sender says about it.

    fields: full name of a document's field -> value, such as ``observer.name``.
    id: of its document; None: made from the photo's content.
    line: where it stands in a list, from 1; None if it stands in none.
    data: its bytes, if it is in no file: then ``path`` leads nowhere, and ``name`` is for messages alone.
    """

    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)
    id: str | None = None
    line: int | None = None
    data: bytes | None = field(default=None, repr=False)


def sent(photo: PhotoFile, **said: Any) -> SentPhoto:
    """A file as a photo to index."""
    return SentPhoto(photo.path, photo.name, photo.label, **said)


def link_to(prefix: str, path: Path) -> str:
    """The address of a file below the indexed folder, for ``url.original``.

    Args:
        prefix: the folder's address; a slash is added to one that ends with a letter or a number.
        path: relative to the folder.
    """
    slash = "/" if prefix[-1:].isalnum() else ""
    return prefix + slash + quote(os.fsencode(path.as_posix()))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        OSError: it can't be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def readable(path: Path) -> str:
    """A path as text that can be stored, compared and printed: in NFC, even if its bytes aren't UTF-8."""
    return nfc(os.fsencode(path.as_posix()).decode("utf-8", "replace"))
