"""Labelled photos: a folder for each person with that person's photos, as in LFW.

``<person>/<person>_0001.jpg``
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.photo_folders.reading import read_folder
from faces.photos import readable
from ingest_service.errors import UserError

NAMED_AT_MOST = 5


class FolderError(UserError):
    """A folder, or a list of pairs in it, can't be used; the message says what to do."""


@dataclass(frozen=True)
class Folder:
    """
    root: the folder itself.
    photos: sorted by path.
    people: the person of each photo, by the name of its folder.
    """

    root: Path
    photos: tuple[Path, ...]
    people: tuple[str, ...]

    def labels(self) -> NDArray[np.int64]:
        """(photos,): each photo's person as a number from 0, in the order of names."""
        numbers = {person: number for number, person in enumerate(sorted(set(self.people)))}
        return np.array([numbers[person] for person in self.people])


def read(folder: Path, repeats: bool = True) -> Folder:
    """The photos below ``folder``, each with its parent folder's name as its person.

    Left out is what isn't a person's photo: see ``read_folder``. Names are in NFC, so that two spellings of a
    name are one person.

    Args:
        repeats: require a person with two photos.

    Raises:
        FolderError: no folder, no photo, photos outside a person's folder or in a folder inside it, only one
            person, or nobody with two photos.
    """
    where = readable(folder)
    if not folder.is_dir():
        raise FolderError(f"no such folder [{where}]")
    photos = [photo.path for photo in read_folder(folder).photos]
    if not photos:
        raise FolderError(f"no photos in [{where}]: it needs a folder for each person, with photos in it")
    loose = [readable(Path(photo.name)) for photo in photos if photo.parent == folder]
    if loose:
        raise FolderError(
            f"photos directly in [{where}] have no person: move each into its person's folder: {some(loose)}"
        )
    folders = {photo.parent for photo in photos}
    within = sorted(readable(inner.relative_to(folder)) for inner in folders if folders & {*inner.parents})
    if within:
        raise FolderError(
            f"folders inside a person's folder in [{where}], so that their person isn't clear: "
            f"put all photos of a person into one folder: {some(within)}"
        )
    people = [readable(Path(photo.parent.name)) for photo in photos]
    _check_people(where, Counter(people), repeats)
    return Folder(folder, tuple(photos), tuple(people))


def _check_people(where: str, photos: Counter[str], repeats: bool) -> None:
    if len(photos) == 1:
        raise FolderError(
            f"[{where}] has photos of one person, [{next(iter(photos))}]: at least two people are needed"
        )
    if repeats and max(photos.values()) == 1:
        raise FolderError(
            f"[{where}] has one photo of each of {len(photos)} people: at least one person needs two"
        )


def some(names: list[str]) -> str:
    """The first few of ``names``, and how many more there are, as text."""
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
