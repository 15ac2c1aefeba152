"""Walks through a folder, and says of each file whether it lies in a folder that a program made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faces.photo_folders.system_folders import is_library, is_system_file, is_system_folder

HIDDEN = "hidden"


@dataclass(frozen=True)
class FoundFile:
    """
    path: where it is.
    person_folder: the nearest folder above it that a person made and named.
    left_out: why it isn't for indexing, as far as its name and its folders say; None if it is.
    """

    path: Path
    person_folder: Path
    left_out: str | None


@dataclass(frozen=True)
class _Place:
    """A folder: which one above it a person named, and why it is left out."""

    person_folder: Path
    left_out: str | None
    in_library: bool = False


def files_below(top: Path, unreadable: Callable[[OSError], None]) -> Iterator[FoundFile]:
    """All files below ``top``.

    Links to folders are followed after everything else, and each folder is read once: a photo's own path
    comes before one through a link, and a link to a folder above it ends.

    Args:
        unreadable: is told of each folder that can't be read.
    """
    seen: set[str] = set()
    waiting = [(top, _Place(top, None, is_library(top, _folders(top))))]
    while waiting:
        start, place = waiting.pop(0)
        places = {start: place}
        for walked, folders, files in os.walk(start, onerror=unreadable):
            root = Path(walked)
            real = os.path.realpath(root)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            here = places.pop(root)
            places |= {root / name: _place(root / name, here, folders) for name in folders}
            links = [name for name in sorted(folders) if (root / name).is_symlink()]
            waiting += [(root / name, places.pop(root / name)) for name in links]
            folders[:] = sorted(set(folders) - set(links))
            for name in files:
                yield FoundFile(root / name, here.person_folder, here.left_out or _file_left_out(name))


def _place(folder: Path, above: _Place, siblings: list[str]) -> _Place:
    name = folder.name
    if above.left_out:
        return above
    if is_system_folder(folder, siblings, above.in_library):
        return _Place(above.person_folder, f"system folder {name}")
    if name.startswith("."):
        return _Place(above.person_folder, HIDDEN)
    if above.in_library or above.person_folder != folder.parent:
        return _Place(above.person_folder, None)  # a library's own folders name nobody
    if is_library(folder, _folders(folder)):
        return _Place(above.person_folder, None, in_library=True)
    return _Place(folder, None)


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except OSError:
        return []


def _file_left_out(name: str) -> str | None:
    return "system file" if is_system_file(name) else HIDDEN if name.startswith(".") else None
