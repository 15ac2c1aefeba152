"""Photos in a folder: which there are, whose they are, and the documents they become."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
"""What is taken for a photo. Whether it is one is the service's to say: the content decides there."""


@dataclass(frozen=True)
class PhotoFile:
    """
    path: where it lies.
    name: its path below the folder that was named, with slashes: the document's ``file.path``.
    label: the name of the folder that holds it, if that labels it.
    """

    path: Path
    name: str
    label: str | None = None

    def document(self) -> dict[str, Any]:
        """What a user would drop into Elasticsearch.

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
        """The same for the same photo at the same place, so that indexing twice adds nothing."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:20]


def photos_below(folder: Path, labels_from_folders: bool = False) -> list[PhotoFile]:
    """Every photo below ``folder``, in order of name. What is hidden is passed over, links are followed.

    With ``labels_from_folders`` (LFW's layout) a photo's folder names its person, underscores as spaces.
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


def _files(folder: Path) -> Iterator[Path]:
    """Each folder once, so that a link upwards doesn't lead round and round."""
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (Path(root) / name for name in files)


def readable(path: Path) -> str:
    """A path as text that can be stored and shown, also where its bytes aren't UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
