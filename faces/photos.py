"""A photo in a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from faces.names import nfc


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


def readable(path: Path) -> str:
    """A path as text that can be stored, compared and printed: in NFC, even if its bytes aren't UTF-8."""
    return nfc(os.fsencode(path.as_posix()).decode("utf-8", "replace"))
