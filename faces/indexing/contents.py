"""A photo's content, read once to know it and once to send it."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faces.indexing.picture_data import picture_hash
from faces.photo_folders.file_kinds import OTHER_PICTURE, PHOTO, START, kind_of
from faces.photos import PIECE, PhotoFile, SentPhoto, readable, sent
from faces.refused import Refusal


class FileChanged(OSError):
    """The file isn't what it was when it was first read."""


def unreadable(error: OSError) -> Refusal:
    """Why a file isn't sent."""
    code = "changed_file" if isinstance(error, FileChanged) else "unreadable_file"
    return Refusal(code, f"the file can't be read: {error.strerror}")


@dataclass(frozen=True)
class PhotoContent:
    """A photo whose bytes are known.

    sha256: of its bytes, in hex.
    start: the first bytes.
    """

    photo: SentPhoto
    sha256: str
    start: bytes

    @property
    def id(self) -> str:
        """The id of a new document: the sender's, or one from the content alone, so that a photo that is sent
        twice is stored once."""
        return self.photo.id or self.sha256[:20]

    @property
    def other_id(self) -> str:
        """The id if the document ``id`` has another content by now, one that has replaced this."""
        return self.sha256[20:40]

    @property
    def earlier_id(self) -> str:
        """The id that ``faces index`` gave this path before ids came from the content."""
        return hashlib.sha256(self.photo.name.encode()).hexdigest()[:20]

    @property
    def is_file(self) -> bool:
        """Whether the photo is in a file, and not in a list."""
        return self.photo.data is None

    @property
    def location(self) -> str | None:
        """Which file on disk this is: see ``location_of``. None if it is in none."""
        return location_of(self.photo.path) if self.is_file else None

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
            FileChanged, OSError: as ``data``.
        """
        return picture_hash(self.data())

    def fields(self) -> dict[str, Any]:
        """Full name -> value of the document's ``image`` and ``file``: of one reading, so that the digests
        are those of the bytes that are sent.

        Raises:
            FileChanged, OSError: as ``data``.
        """
        data = self.data()
        of_file = {
            "file.path": self.photo.name,
            "file.name": PurePosixPath(self.photo.name).name,
            "file.path_hash": self.location,
        }
        return {
            "image": base64.b64encode(data).decode("ascii"),
            **(of_file if self.is_file else {}),
            "file.picture_hash": picture_hash(data),
            "file.hash.sha256": self.sha256,
        }

    def image(self) -> str:
        """The bytes in base64.

        Raises:
            FileChanged, OSError: as ``data``.
        """
        return base64.b64encode(self.data()).decode("ascii")

    def data(self) -> bytes:
        """The bytes.

        Raises:
            FileChanged: the file is another one now.
            OSError: it can't be read.
        """
        if self.photo.data is not None:
            return self.photo.data
        data = self.photo.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise FileChanged(0, "it changed meanwhile: run this again")
        return data


def content_of(name: str, data: bytes) -> PhotoContent:
    """Of a photo that is in no file of ours."""
    photo = SentPhoto(Path(name), name, data=data)
    return PhotoContent(photo, hashlib.sha256(data).hexdigest(), data[:START])


def read_content(photo: PhotoFile) -> PhotoContent:
    """
    Raises:
        OSError: the file can't be read.
    """
    photo = photo if isinstance(photo, SentPhoto) else sent(photo)
    if photo.data is not None:
        return PhotoContent(photo, hashlib.sha256(photo.data).hexdigest(), photo.data[:START])
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
    return location_in(path.parent.resolve(), path.name)


def location_in(folder: Path, name: str) -> str:
    """As `location_of`, of a file in a folder whose links are followed already."""
    return hashlib.sha256(readable(folder / name).encode()).hexdigest()[:32]


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
