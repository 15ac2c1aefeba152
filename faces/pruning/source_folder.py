"""A folder as the source of documents: which of their paths are in it, and whether a file is still there."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Literal

from faces.indexing.contents import location_in
from faces.names import nfc
from faces.photos import readable

Place = Literal["there", "gone", "unreadable", "empty_folder"]
"""``empty_folder``: the file isn't there, and nothing else is in its folder, as if a share weren't mounted.
``unreadable``: nobody can tell."""


class SourceFolder:
    """Looks into the file system as late as it is asked, and into each folder once.

    Args:
        root: what `faces index` was given, or the folder that a list's paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._roots = [readable(folder) for folder in (root.absolute(), root.resolve())]
        self._names: dict[Path, dict[str, str] | None] = {}
        self._resolved: dict[Path, Path] = {}

    def below(self, path: str, locations: Collection[str]) -> str | None:
        """The part below this folder of a document's ``file.path``; None if it isn't known to be in here.

        An absolute path, as crawlers send it, says where it is. That of `faces index` is relative, and the
        document has a digest of the absolute one: so another folder's photo isn't taken for one of this.

        Args:
            locations: the document's ``file.path_hash``.
        """
        pure = PurePosixPath(path)
        if not pure.parts or "\0" in path or ".." in pure.parts:
            return None
        if not pure.is_absolute():
            return path if self.location(path) in locations else None
        if locations:
            return None
        root = next((root for root in self._roots if pure.is_relative_to(root)), None)
        return None if root is None or str(pure) == root else str(pure.relative_to(root))

    def location(self, name: str) -> str:
        """What ``file.path_hash`` is of a file below this folder."""
        path = self._root / name
        if path.parent not in self._resolved:
            self._resolved[path.parent] = path.parent.resolve()
        return location_in(self._resolved[path.parent], path.name)

    def place_of(self, name: str) -> Place:
        """Whether the file of this path below the folder is there, whatever it is now."""
        try:
            (self._root / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return self._look_for(PurePosixPath(name).parts)
        except (OSError, ValueError):
            return "unreadable"
        return "there"

    def _look_for(self, parts: tuple[str, ...]) -> Place:
        """By the names as documents have them: in NFC, even where the file system has another form."""
        folder = self._root
        for part in map(nfc, parts):
            names = self._names_in(folder)
            if names is None:
                return "unreadable"
            if part not in names:
                return "gone" if names else "empty_folder"
            folder /= names[part]
        return "there"

    def _names_in(self, folder: Path) -> dict[str, str] | None:
        """As documents have them -> as the file system has them; None if the folder can't be read."""
        if folder not in self._names:
            try:
                self._names[folder] = {readable(Path(one.name)): one.name for one in folder.iterdir()}
            except NotADirectoryError:
                # A file has taken the folder's place: nothing is below it, and it is no empty folder.
                self._names[folder] = {"": ""}
            except OSError:
                self._names[folder] = None
        return self._names[folder]
