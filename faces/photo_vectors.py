"""Photos to vectors, by the inference service."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from es_setup.connection import ConnectionFailed, Service, ServiceRefused
from faces.error_rates.arrays import Vectors
from faces.labelled_photos import Folder, FolderError
from faces.photos import readable

AT_ONCE = 8
"""Requests in progress: the service embeds eight faces together, and has other clients too."""
TRIES = 10
LONGEST_WAIT = 30
"""Seconds between two tries. The waits double from what the service asks for; ten tries take two and a half
minutes."""
RECONNECTIONS = 4
"""Tries where the service can't be reached: 15 seconds, enough for a restart."""


@dataclass(frozen=True)
class PhotoVector:
    """
    vector: of the photo's largest face; None without a face, or if the photo can't be read.
    error: the service's code for a photo that can't be read, or ``unreadable_file``.
    """

    vector: list[float] | None = None
    error: str | None = None


@dataclass(frozen=True)
class FolderVectors:
    """The vectors of a folder's photos.

    vectors: (photos, dims); NaN for a photo without a face.
    no_face: number of photos that can be read and have no face.
    unreadable: number of photos that can't be read, by the service's code, the most frequent first.
    """

    vectors: Vectors
    no_face: int
    unreadable: dict[str, int]

    @classmethod
    def of(cls, folder: Folder, embedded: Sequence[PhotoVector]) -> FolderVectors:
        """
        Args:
            embedded: of each of the folder's photos, in order.

        Raises:
            FolderError: no photo can be read.
        """
        unreadable = Counter(photo.error for photo in embedded if photo.error)
        if sum(unreadable.values()) == len(embedded):
            codes = ", ".join(f"{code} {count}" for code, count in unreadable.most_common())
            raise FolderError(
                f"none of the {len(embedded):,} photos in [{readable(folder.root)}] can be read: {codes}"
            )
        dims = max(1, *(len(photo.vector or ()) for photo in embedded))
        return cls(
            vectors=np.array([photo.vector or [np.nan] * dims for photo in embedded], dtype=np.float32),
            no_face=sum(photo.vector is None and photo.error is None for photo in embedded),
            unreadable=dict(unreadable.most_common()),
        )

    @property
    def failed(self) -> dict[str, int]:
        """Number of photos without a vector, by the reason."""
        return ({"no face": self.no_face} if self.no_face else {}) | self.unreadable


def embed(service: Service, model: str, photos: Sequence[Path]) -> Generator[PhotoVector, None, None]:
    """Each photo's vector, in order. Close the generator to stop early: no more photos are sent then.

    Raises:
        ConnectionFailed: the service can't be reached, stays busy, or has changed its model.
    """
    stopped = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            yield from threads.map(lambda photo: _embed(service, model, photo, stopped), photos)
        finally:
            stopped.set()


def _embed(service: Service, model: str, photo: Path, stopped: threading.Event) -> PhotoVector:
    try:
        data = photo.read_bytes()
    except OSError:
        return PhotoVector(error="unreadable_file")
    try:
        result = with_retries(lambda: service.largest_face(data, model), stopped)
    except ServiceRefused as refused:
        if refused.status == 413:
            return PhotoVector(error="too_large")
        raise
    if "error" in result:
        return PhotoVector(error=result["error"]["code"])
    return PhotoVector(result["faces"][0]["vector"] if result["faces"] else None)


def with_retries(ask: Callable[[], dict[str, Any]], stopped: threading.Event) -> dict[str, Any]:
    """What the service answers to ``ask``, which is called again while it is busy or away.

    Raises:
        ConnectionFailed: it stays busy or away, or ``stopped`` was set.
    """
    for tried in range(TRIES - 1):
        try:
            return ask()
        except ServiceRefused as refused:
            wait = refused.retry_after
            if wait is None:
                raise
        except ConnectionFailed:
            wait = 1.0
            if tried >= RECONNECTIONS:
                raise
        if stopped.wait(min(wait * 2**tried, LONGEST_WAIT)):
            break
    return ask()
