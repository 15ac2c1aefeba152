"""The photos of a folder, their labels, and the documents they become."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
"""The files that are sent. The service decides by their content whether they are photos."""


@dataclass(frozen=True)
class PhotoFile:
    """A file that may be a photo.

    path: where it is.
    name: its path below the indexed folder, with slashes; the document's ``file.path``.
    label: its person's name, if known.
    """

    path: Path
    name: str
    label: str | None = None

    def document(self) -> dict[str, Any]:
        """The document to index.

        Raises:
            OSError: the file can't be read.
        """
        document: dict[str, Any] = {
            "image": base64.b64encode(self.path.read_bytes()).decode("ascii"),
            "file": {"path": self.name, "name": self.path.name},
        }
        if self.label:
            document["person"] = {"name": self.label}
        return document

    def document_id(self) -> str:
        """The document's id, from ``name`` alone, so that indexing a folder twice adds nothing."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:20]


def photos_below(folder: Path, labels_from_folders: bool = False) -> list[PhotoFile]:
    """Every photo below ``folder``, sorted by path, without hidden files and folders. Links are followed.

    With ``labels_from_folders`` (LFW's layout) a photo's folder names its person, with underscores as spaces.
    """
    found = []
    for path in sorted(_files(folder)):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            in_a_folder = len(relative.parts) > 1
            label = path.parent.name.replace("_", " ") if labels_from_folders and in_a_folder else None
            found.append(PhotoFile(path, readable(relative), label and readable(Path(label))))
    return found


def _files(top: Path) -> Iterator[Path]:
    """All files below ``top``. Each folder is read once, so that a link to a folder above it ends."""
    seen = set()
    for root, folders, files in os.walk(top, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (Path(root) / name for name in files)


def readable(path: Path) -> str:
    """A path as text that can be stored and printed, even if its bytes aren't UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
