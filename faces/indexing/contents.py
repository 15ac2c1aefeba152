"""A photo's content, read once to know it and once to send it."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faces.indexing.picture_data import picture_hash
from faces.photo_folders.file_kinds import OTHER_PICTURE, PHOTO, START, kind_of
from faces.photos import PhotoFile, readable

PIECE = 1 << 20


class FileChanged(OSError):
    """The file isn't what it was when it was first read."""


@dataclass(frozen=True)
class PhotoContent:
    """A photo whose bytes are known.

    sha256: of its bytes, in hex.
    start: the first bytes.
    """

    photo: PhotoFile
    sha256: str
    start: bytes

    @property
    def id(self) -> str:
        """The id of a new document, from the content alone: a photo that is sent twice is stored once."""
        return self.sha256[:20]

    @property
    def other_id(self) -> str:
        """The id if the document ``id`` has another content by now, one that has replaced this."""
        return self.sha256[20:40]

    @property
    def earlier_id(self) -> str:
        """The id that ``faces index`` gave this path before ids came from the content."""
        return hashlib.sha256(self.photo.name.encode()).hexdigest()[:20]

    @property
    def location(self) -> str:
        """Which file on disk this is: see ``location_of``."""
        return location_of(self.photo.path)

    @property
    def no_photo(self) -> str | None:
        """Why this is certainly no photo, whatever its name says; None if it may be one."""
        kind = kind_of(self.start)
        return "empty" if not self.start else None if kind in (None, PHOTO, OTHER_PICTURE) else kind

    def is_in(self, path: Path) -> bool:
        """Whether another file has this content."""
        try:
            same_size = path.stat().st_size == self.photo.path.stat().st_size
            return same_size and read_content(PhotoFile(path, path.name)).sha256 == self.sha256
        except OSError:
            return False

    def picture_hash(self) -> str | None:
        """A digest of the picture without its metadata; None if there is none.

        Raises:
            OSError: the file can't be read.
        """
        return picture_hash(self.photo.path.read_bytes())

    def file_fields(self) -> dict[str, object]:
        """The document's ``file``.

        Raises:
            OSError: the file can't be read.
        """
        return {
            "path": self.photo.name,
            "name": PurePosixPath(self.photo.name).name,
            "path_hash": self.location,
            "picture_hash": self.picture_hash(),
            "hash": {"sha256": self.sha256},
        }

    def image(self) -> str:
        """The bytes in base64.

        Raises:
            FileChanged, OSError: the file can't be read, or is another one now.
        """
        data = self.photo.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise FileChanged(0, "it changed meanwhile: run this again")
        return base64.b64encode(data).decode("ascii")


def read_content(photo: PhotoFile) -> PhotoContent:
    """
    Raises:
        OSError: the file can't be read.
    """
    digest = hashlib.sha256()
    with photo.path.open("rb") as file:
        start = piece = file.read(PIECE)
        while piece:
            digest.update(piece)
            piece = file.read(PIECE)
    return PhotoContent(photo, digest.hexdigest(), start[:START])


def location_of(path: Path) -> str:
    """A digest of a file's absolute path. It tells whether a document's file is this very one, without
    telling where a person keeps photos."""
    return hashlib.sha256(readable(path.parent.resolve() / path.name).encode()).hexdigest()[:32]


def disputed(photos: Iterable[PhotoFile]) -> dict[Path, list[PhotoFile]]:
    """Path -> the files with the same content and another label, for the photos that have such. Only files of
    equal size are read."""
    by_size: dict[int, list[PhotoFile]] = defaultdict(list)
    for photo in photos:
        if photo.label:
            try:
                by_size[photo.path.stat().st_size].append(photo)
            except OSError:
                continue  # reported when it is sent
    found: dict[Path, list[PhotoFile]] = {}
    for same_size in by_size.values():
        if len({photo.label for photo in same_size}) > 1:
            for same in _same_content(same_size):
                for photo in same:
                    others = [other for other in same if other.label != photo.label]
                    found |= {photo.path: others} if others else {}
    return found


def _same_content(photos: list[PhotoFile]) -> Iterable[list[PhotoFile]]:
    by_content: dict[str, list[PhotoFile]] = defaultdict(list)
    for photo in photos:
        try:
            by_content[read_content(photo).sha256].append(photo)
        except OSError:
            continue
    return by_content.values()
