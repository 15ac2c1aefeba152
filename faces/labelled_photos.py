"""Labelled photos in folders: whose they are.

A folder in LFW's layout has a folder a person, with that person's photos: ``<person>/<person>_0001.jpg``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.photos import photos_below, readable
from ingest_service.errors import UserError

NAMED_AT_MOST = 5


class FolderError(UserError):
    """A folder, or a list of pairs in it, that nothing can be measured with. The message says what to do."""


@dataclass(frozen=True)
class Folder:
    """
    root: the folder itself.
    photos: sorted by path.
    people: the person of each photo, as its folder is called.
    """

    root: Path
    photos: tuple[Path, ...]
    people: tuple[str, ...]

    def labels(self) -> NDArray[np.int64]:
        """(photos,): each photo's person as a number from 0, in order of names."""
        numbers = {person: number for number, person in enumerate(sorted(set(self.people)))}
        return np.array([numbers[person] for person in self.people])


def read(folder: Path, repeats: bool = True) -> Folder:
    """The photos below ``folder``, each with its parent folder's name as its person.

    Hidden files, and files that are no photos by their ending, are passed over. Whether a photo can be read
    is found when it is read. With ``repeats`` somebody has to have two photos.

    Raises:
        FolderError: no folder, no photo, photos in no person's folder or in one within it, one person, or
            nobody with two photos.
    """
    where = readable(folder)
    if not folder.is_dir():
        raise FolderError(f"there is no folder [{where}]")
    photos = [photo.path for photo in photos_below(folder)]
    if not photos:
        raise FolderError(
            f"there is no photo in [{where}]: it needs a folder for each person, with photos in it"
        )
    loose = [readable(Path(photo.name)) for photo in photos if photo.parent == folder]
    if loose:
        raise FolderError(
            f"photos of nobody in [{where}]: put each into a folder of its person: {some(loose)}"
        )
    folders = {photo.parent for photo in photos}
    within = sorted(readable(inner.relative_to(folder)) for inner in folders if folders & {*inner.parents})
    if within:
        raise FolderError(
            f"photos in folders within a person's folder in [{where}], so that it isn't said whose they are: "
            f"put all photos of a person into one folder: {some(within)}"
        )
    people = [readable(Path(photo.parent.name)) for photo in photos]
    _check_people(where, Counter(people), repeats)
    return Folder(folder, tuple(photos), tuple(people))


def _check_people(where: str, photos: Counter[str], repeats: bool) -> None:
    if len(photos) == 1:
        raise FolderError(
            f"[{where}] has photos of one person, [{next(iter(photos))}]: "
            "telling people apart takes two or more"
        )
    if repeats and max(photos.values()) == 1:
        raise FolderError(
            f"[{where}] has one photo of each of {len(photos)} people: somebody has to have two or more"
        )


def some(names: list[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
