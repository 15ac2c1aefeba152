"""Files and folders that appear under their names whole or not at all.

They hold no personal data: everybody may read them, and only their owner may change them, whatever the umask.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to. It gets the name ``target`` if the block succeeds, and is deleted if it fails."""
    scratch = _scratch(target)
    try:
        yield scratch
        scratch.chmod(0o644)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """As ``new_file``, a folder that exists."""
    scratch = _scratch(target)
    scratch.mkdir()
    try:
        yield scratch
        for path in [scratch, *scratch.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        scratch.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def readable_folder(path: Path) -> None:
    """Makes a folder, and those above it that are missing."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in missing:
        one.chmod(0o755)


def _scratch(target: Path) -> Path:
    readable_folder(target.parent)
    return target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
