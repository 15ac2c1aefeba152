"""The date of a photo that has none in EXIF, and where it comes from."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import takewhile
from pathlib import Path
from typing import Literal

from faces.names import nfc
from faces.photo_dates import takeout, xmp
from faces.photo_folders.edited_twins import base_stem

MAX_PHOTO = 64_000_000
"""Bytes of a photo in which XMP is looked for."""


@dataclass(frozen=True)
class PhotoDate:
    """
    date: ISO 8601.
    source: Google Takeout's JSON file, XMP, or the time of the file's last change.
    """

    date: str
    source: Literal["takeout", "xmp", "file"]

    def fields(self) -> dict[str, str]:
        """Full name of a document's field -> value."""
        return {"@timestamp": self.date, "photo.dated_by": self.source}


class PhotoDates:
    """The dates of photos, as the files beside them were when the first photo of a folder was asked for."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._names: list[tuple[str, str]] = []

    def of(self, photo: Path) -> PhotoDate | None:
        """The first of: Takeout's JSON file, an XMP file beside the photo, XMP in the photo, the file's time.

        None if the file is gone.
        """
        names = self._names_like(photo)
        if date := takeout.date_beside(photo, names):
            return PhotoDate(date, "takeout")
        try:
            if date := xmp.date_beside(photo, names) or xmp.date_in(_start(photo)):
                return PhotoDate(date, "xmp")
            changed = datetime.fromtimestamp(photo.stat().st_mtime, timezone.utc)
        except (OSError, OverflowError, ValueError):
            return None
        return PhotoDate(changed.isoformat(timespec="milliseconds"), "file")

    def _names_like(self, photo: Path) -> list[str]:
        """The files beside the photo whose names start as its own does, without what marks a copy."""
        if photo.parent != self._folder:
            self._folder, self._names = photo.parent, _names(photo.parent)
        start = base_stem(photo.name)[: takeout.CUT_AT]
        first = bisect_left(self._names, (start, ""))
        alike = takewhile(lambda at: self._names[at][0].startswith(start), range(first, len(self._names)))
        return [self._names[at][1] for at in alike]


def _start(photo: Path) -> bytes:
    with photo.open("rb") as file:
        return file.read(MAX_PHOTO)


def _names(folder: Path) -> list[tuple[str, str]]:
    """The files of a folder, each as it is compared and as it is, in order."""
    try:
        return sorted((nfc(path.name).lower(), path.name) for path in folder.iterdir())
    except OSError:
        return []
