"""Photos that are gone where the index has them, and lie elsewhere in the folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from faces.photos import PhotoFile, sha256_of
from faces.pruning.missing import Kept, Missing, Pruning, Why


def keep_moved(found: Pruning, photos: Iterable[PhotoFile]) -> None:
    """Keeps the documents of photos that the folder has under a path that no document has: `faces index`
    writes the new path into such a document. Only files of an equal size are read.

    Args:
        photos: all of the folder.
    """
    sizes = {one.size for one in found.missing if one.sha256}
    if not sizes:
        return
    here = set()
    for photo in photos:
        if photo.name not in found.there:
            try:
                if None in sizes or photo.path.stat().st_size in sizes:
                    here.add(sha256_of(photo.path))
            except OSError:
                # It may be any of them.
                _keep(found, found.missing, "unreadable")
                return
    _keep(found, [one for one in found.missing if one.sha256 in here], "moved")


def _keep(found: Pruning, ones: Sequence[Missing], why: Why) -> None:
    keys = {one.key for one in ones}
    found.kept += [Kept(one.key, one.path, why) for one in ones]
    found.missing = [one for one in found.missing if one.key not in keys]
