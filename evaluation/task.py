"""What is evaluated: the photos, the pairs to verify, and the searches through Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation import methods
from faces.error_rates.arrays import Positions
from faces.evaluating import Pairs, list_in, pairs_of
from faces.labelled_photos import Folder, FolderError, read
from faces.photos import readable
from ingest_service.weights.cache import Cache

IN_SAMPLE = "In-sample: face detection, alignment and all thresholds were chosen on these five people."
"""Of every number that is measured on the sample faces."""


@dataclass(frozen=True)
class Task:
    """
    people: (photos,) each photo's person, as a number.
    indexed, queries: positions of the photos that are searched among, and with.
    sample: the sample faces, not a folder of the user's.
    """

    folder: Folder
    people: NDArray[np.int64]
    pairs: Pairs
    indexed: Positions
    queries: Positions
    sample: bool

    def name(self, photo: int) -> str:
        """``person/photo``, without its suffix."""
        return f"{self.folder.people[photo]}/{readable(Path(self.folder.photos[photo].stem))}"

    @property
    def summary(self) -> str:
        how = "its list of pairs" if self.pairs.listed else "all pairs"
        return (
            f"{len(self.people):,} photos of {int(self.people.max()) + 1:,} people; "
            f"{len(self.pairs.first):,} pairs ({how}), {int(self.pairs.same.sum()):,} of one person"
        )


def sample_task(cache: Cache) -> Task:
    """All pairs of the sample's photos; searches with its ``val`` photos among its ``train`` photos."""
    folder = read(cache.sample)
    held_out = np.array([photo.parent.parent.name == "val" for photo in folder.photos])
    return Task(
        folder=folder,
        people=folder.labels(),
        pairs=pairs_of(folder, None),
        indexed=np.flatnonzero(~held_out),
        queries=np.flatnonzero(held_out),
        sample=True,
    )


def folder_task(folder: Path, pairs: Path | None) -> Task:
    """
    Args:
        pairs: a list of pairs; by default the folder's ``pairs.txt``, or else all pairs.

    Raises:
        FolderError: the folder, or its list of pairs, can't be used.
    """
    found = read(folder)
    if all(methods.read(photo) is None for photo in found.photos):
        raise FolderError(
            f"none of the {len(found.photos)} photos in [{readable(folder)}] can be read: are they photos?"
        )
    people = found.labels()
    return Task(
        folder=found,
        people=people,
        pairs=pairs_of(found, pairs or list_in(folder)),
        indexed=np.arange(len(people)),
        queries=np.flatnonzero(np.bincount(people)[people] > 1),
        sample=False,
    )
