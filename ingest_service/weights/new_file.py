"""Files and folders that appear under their names whole or not at all."""

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
        scratch.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _scratch(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")
