"""Where a stored photo's bytes may still be: in its document, in a file, or behind an address.

A path or an address that stands in a document is opened only below a folder or prefix that the user names,
and only counts if its content is the one that the document's faces come from.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import requests

from faces.erasure.fields import get
from faces.erasure.subject import Place
from faces.names import all_names
from ingest_service.data_uris import photo_bytes
from ingest_service.errors import FaceServiceError, WrongArguments

MOST_BYTES = 100_000_000
"""Of a photo, as Elasticsearch takes no larger document."""
TIMEOUT_S = 30
PIECE = 1 << 16
Kind = Literal["document", "file", "url"]


class BadPrefix(WrongArguments):
    """No prefix of addresses; the message says why."""


@dataclass(frozen=True)
class PhotoSources:
    """
    folders: below which ``file.path`` is looked for.
    prefixes: how an ``url.original`` must begin to be fetched.
    """

    folders: tuple[Path, ...] = ()
    prefixes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for prefix in self.prefixes:
            parts = urlsplit(prefix)
            if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.endswith("/"):
                raise BadPrefix(
                    f"[{prefix}] is no prefix of addresses: it is like [https://photos.example/archive/], "
                    "with a slash at its end"
                )

    def photo(self, place: Place, image: str) -> tuple[Kind, bytes] | None:
        """The photo that a document's faces come from, and where it was; None if it is nowhere.

        Args:
            image: the full name of the field with a kept photo.
        """
        wanted = place.at("file.hash.sha256") or get(place.source, "file.hash.sha256")
        for kind, data in self._copies(place, image):
            if hashlib.sha256(data).hexdigest() == wanted or (wanted is None and kind == "document"):
                return kind, data
        return None

    def _copies(self, place: Place, image: str) -> Iterator[tuple[Kind, bytes]]:
        with suppress(FaceServiceError):
            yield "document", photo_bytes(get(place.source, image), MOST_BYTES)
        for path in all_names(get(place.source, "file.path")):
            for folder in self.folders:
                if (data := _read(folder, path)) is not None:
                    yield "file", data
        for url in all_names(get(place.source, "url.original")):
            is_named = any(_is_below(url, prefix) for prefix in self.prefixes)
            if is_named and (data := _fetched(url)) is not None:
                yield "url", data


def _read(folder: Path, path: str) -> bytes | None:
    """A file below ``folder``; None if there is none, or if a link or ``..`` leads out."""
    root = folder.resolve()
    # A path is stored in NFC; a file system of macOS may spell it otherwise.
    for spelling in dict.fromkeys((path, unicodedata.normalize("NFD", path))):
        try:
            file = (root / spelling).resolve()
            if file.is_relative_to(root) and file.is_file() and file.stat().st_size <= MOST_BYTES:
                return file.read_bytes()
        except (OSError, ValueError):
            continue
    return None


def _is_below(url: str, prefix: str) -> bool:
    """Whether an address begins so, and doesn't lead out by ``..``."""
    if not url.startswith(prefix):
        return False
    return ".." not in unquote(urlsplit(url).path).replace("\\", "/").split("/")


def _fetched(url: str) -> bytes | None:
    """What is at an address, without going on to another; None if that isn't to be had."""
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                return None
            data = bytearray()
            for piece in answer.iter_content(PIECE):
                data += piece
                if len(data) > MOST_BYTES:
                    return None
            return bytes(data)
    except (requests.RequestException, ValueError):
        return None
