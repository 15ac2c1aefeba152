"""The photos of a folder as people have them: exports, backups, network drives."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faces.photo_folders.edited_twins import original_of, stem
from faces.photo_folders.file_kinds import skipped_as
from faces.photo_folders.walking import FoundFile, files_below
from faces.photos import PhotoFile, readable


@dataclass(frozen=True)
class SkippedFile:
    """A file that isn't indexed.

    name: its path below the folder, with slashes.
    reason: why; the same text for all files of a kind, such as ``video`` or ``system folder @eaDir``.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class FoundPhotos:
    """What a folder has: ``photos`` and ``skipped`` files by path, and the folders that can't be read."""

    photos: list[PhotoFile]
    skipped: list[SkippedFile]
    unreadable_folders: list[str]


def reasons(skipped: Iterable[SkippedFile]) -> dict[str, int]:
    """Reason -> number of files, the most frequent first."""
    return dict(Counter(file.reason for file in skipped).most_common())


def read_folder(folder: Path, labels_from_folders: bool = False, include_all: bool = False) -> FoundPhotos:
    """The photos below ``folder``.

    Left out are hidden files and folders, what a program made beside the photos (thumbnails, trash, caches),
    edited copies of a photo in the same folder, and links to a photo that is there already. A file is opened
    only if its ending isn't a photo's.

    Args:
        labels_from_folders: a photo's folder names its person (LFW's layout), with underscores as spaces.
        include_all: leave out only what isn't a photo.
    """
    errors: list[OSError] = []
    skipped: list[SkippedFile] = []
    candidates: list[FoundFile] = []
    for file in files_below(folder, errors.append):
        reason = None if include_all and file.left_out else file.left_out
        reason = reason or _not_a_photo(file.path)
        if reason:
            skipped.append(SkippedFile(_name(file.path, folder), reason))
        else:
            candidates.append(file)
    if not include_all:
        candidates = _without_repeats(candidates, folder, skipped)
    photos = [_photo(file, folder, labels_from_folders) for file in candidates]
    return FoundPhotos(
        sorted(photos, key=lambda photo: photo.path),
        sorted(skipped, key=lambda file: file.name),
        sorted(readable(Path(os.fsdecode(error.filename))) for error in errors),
    )


def _not_a_photo(path: Path) -> str | None:
    if not path.is_file():
        return "broken link" if path.is_symlink() else "no regular file"
    try:
        return skipped_as(path)
    except OSError:
        return "can't be read"


def _without_repeats(files: list[FoundFile], folder: Path, skipped: list[SkippedFile]) -> list[FoundFile]:
    """Without edited copies and links, which are added to ``skipped``."""
    beside: dict[Path, set[str]] = defaultdict(set)
    for file in files:
        beside[file.path.parent] |= {stem(file.path.name), file.path.name}
    kept: dict[tuple[int, int], FoundFile] = {}
    # A photo itself comes before a link to it.
    for file in sorted(files, key=lambda file: (file.path.is_symlink(), file.path)):
        status = file.path.stat()
        if original_of(file.path.name, beside[file.path.parent]):
            skipped.append(SkippedFile(_name(file.path, folder), "edited copy"))
        elif kept.setdefault((status.st_dev, status.st_ino), file) is not file:
            skipped.append(SkippedFile(_name(file.path, folder), "link"))
    taken = {id(file) for file in kept.values()}
    return [file for file in files if id(file) in taken]


def _photo(file: FoundFile, folder: Path, labelled: bool) -> PhotoFile:
    named = labelled and file.person_folder != folder
    label = readable(Path(file.person_folder.name.replace("_", " "))).strip() if named else None
    return PhotoFile(file.path, _name(file.path, folder), label or None)


def _name(path: Path, folder: Path) -> str:
    return readable(path.relative_to(folder))
