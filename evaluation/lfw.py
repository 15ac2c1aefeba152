"""All of LFW (Labeled Faces in the Wild, Huang et al. 2007): 13,233 photos of 5,749 people, by scikit-learn.

scikit-learn knows the archive's address and digest, and downloads it; its arrays of pixels aren't used.
"""

from __future__ import annotations

import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from faces.labelled_photos import FolderError
from ingest_service.weights.cache import Cache

TIMEOUT_S = 60
"""Seconds without an answer from the server."""


def fetch(cache: Cache, say: Callable[[str], None]) -> Path:
    """The folder of the original photos, 250 x 250 and not aligned, with ``pairs.txt``; fetched once.

    The folder appears complete or not at all.

    Raises:
        FolderError: it can't be fetched, or its digest is wrong.
    """
    folder = cache.root / "lfw"
    if folder.is_dir():
        say(f"LFW: reusing {folder}")
        return folder
    say("LFW: fetching about 200 MB through scikit-learn")
    try:
        cache.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".lfw-", dir=cache.root) as scratch:
            photos = _fetched(Path(scratch))
            photos.replace(folder)
    except (OSError, HTTPException) as problem:
        reason = problem.reason if isinstance(problem, URLError) else problem
        remedy = "without internet, name a FOLDER in LFW's layout with its pairs.txt"
        raise FolderError(f"LFW can't be fetched ({reason}): {remedy}") from problem
    return folder


def _fetched(scratch: Path) -> Path:
    from sklearn.datasets import fetch_lfw_pairs

    with _with_timeout():
        # It opens both photos of every pair; one pixel of each is enough.
        one = slice(0, 1)
        fetch_lfw_pairs(
            subset="10_folds",
            data_home=scratch,
            funneled=False,
            color=True,
            resize=None,
            slice_=(one, one),
        )
    home = scratch / "lfw_home"
    (home / "pairs.txt").replace(home / "lfw" / "pairs.txt")
    return home / "lfw"


@contextmanager
def _with_timeout() -> Iterator[None]:
    """scikit-learn sets no timeout, and warns at each attempt."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        socket.setdefaulttimeout(before)
