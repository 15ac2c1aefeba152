"""Folders and files that a program made beside a person's photos: thumbnails, trash, caches.

What may also be a person's folder, such as ``thumbs`` or ``resources``, is judged by what lies beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

ALWAYS = {
    # Synology, QNAP, Asustor and other network storage
    "@eadir", "#recycle", "#snapshot", "@sharebin", "@tmp", "@recycle", "@recently-snapshot", "@__thumb",
    "~snapshot", "network trash folder", "temporary items", "lost+found",
    # Windows, macOS, Android
    "$recycle.bin", "system volume information", "found.000", "__macosx", "ipod photo cache", "lost.dir",
}  # fmt: skip
"""In lower case. Folders whose name starts with a dot are hidden, and left out too: ``.thumbnails``,
``.Trash-1000``, ``.@__thumb``, ``.dtrash``, ``.picasaoriginals``."""

ENDINGS = (".lrdata", ".lrcat-data")
"""Lightroom's previews."""

LIBRARY_ENDINGS = (".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary")
"""Libraries of Apple's Photos, iPhoto and Aperture."""

ORIGINALS = {"originals", "masters"}
"""The folders of a library that hold photos as they were imported."""

IMMICH = {"upload", "library", "thumbs", "encoded-video", "profile", "backups"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SYSTEM_FILE = re.compile(
    r"\._.*|\.ds_store|(eh)?thumbs\.db|desktop\.ini|syno(photo|file)_thumb.*|.*@syno(ea)?(stream|resource)",
    re.IGNORECASE,
)


def is_system_file(name: str) -> bool:
    """Whether a program made a file of this name: macOS's ``._photo.jpg``, Windows' ``Thumbs.db``."""
    return SYSTEM_FILE.fullmatch(name) is not None


def is_library(folder: Path, children: Collection[str]) -> bool:
    """Whether a folder is a library of Apple's, also if it has lost its ending."""
    below = {child.lower() for child in children}
    complete = "database" in below and "resources" in below and bool(below & ORIGINALS)
    return complete or folder.name.lower().endswith(LIBRARY_ENDINGS)


def is_system_folder(folder: Path, siblings: Collection[str], in_library: bool) -> bool:
    """Whether a program made a folder.

    Args:
        folder: where it is; it may be opened, to see what it holds.
        siblings: the names of all folders beside it, its own included.
        in_library: whether it lies directly in a library of Apple's.
    """
    name = folder.name.lower()
    if in_library:
        return name not in ORIGINALS
    if name in ALWAYS or name.endswith(ENDINGS) or name.startswith("appdata_oc"):
        return True
    beside = {sibling.lower() for sibling in siblings} - {name}
    judge = _BY_NEIGHBOURS.get(name)
    return judge is not None and judge(folder, beside)


def _is_immichs(folder: Path, beside: set[str]) -> bool:
    children, beside = _children(folder), beside & IMMICH
    if ".immich" in children or len(beside) > 1:
        return True
    if folder.name.lower() != "thumbs":
        return False
    return bool(beside) or (bool(children) and all(UUID.fullmatch(child) for child in children))


def _children(folder: Path) -> set[str]:
    try:
        return {child.name.lower() for child in folder.iterdir()}
    except OSError:
        return set()


def _has_a_bin(folder: Path, _: set[str]) -> bool:
    return any(child.startswith("s-1-5") for child in _children(folder))


_BY_NEIGHBOURS: dict[str, Callable[[Path, set[str]], bool]] = {
    **dict.fromkeys(("thumbs", "encoded-video", "profile", "backups"), _is_immichs),
    # Apple's
    "resources": lambda folder, beside: (
        bool(beside & ORIGINALS) and bool({"derivatives", "renders"} & _children(folder))
    ),
    # Nextcloud's
    "files_trashbin": lambda _, beside: "files" in beside,
    "files_versions": lambda _, beside: "files" in beside,
    # PhotoPrism's
    "cache": lambda folder, _: "thumbnails" in _children(folder),
    # that of an older Windows
    "recycler": _has_a_bin,
    "recycled": _has_a_bin,
}
"""Name in lower case -> whether the folder is a program's, by what it holds and the folders beside it."""
