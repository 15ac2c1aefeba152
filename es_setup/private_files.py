"""Files and folders that show people or hold keys: only their owner can read them, whatever the umask."""

from __future__ import annotations

import fcntl
import glob
import os
import pwd
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE_UMASK = 0o077
"""For the processes started here."""
UNFINISHED = ".unfinished"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600. One that exists keeps its mode: whoever shared it meant to.

    Raises:
        OSError: it can't be written.
    """
    with open_private(path) as file:
        file.write(data)


def open_private(path: Path) -> BinaryIO:
    """A file to write anew, of mode 0600. One that exists keeps its mode.

    Raises:
        OSError: it can't be written.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


class PrivateReplacement:
    """A file of mode 0600 that takes its name when it is whole, and until then stands beside it. One that
    exists is replaced, and its mode is kept. What a process that was killed left beside it goes.

    Raises:
        OSError: the folder can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _remove_abandoned(path)
        self._file, self._unfinished = _begun(path)
        self._error: OSError | None = None

    def write(self, data: bytes) -> None:
        """A failure is kept for ``finish``, so that the work goes on whose protocol this is."""
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error

    def finish(self) -> None:
        """
        Raises:
            OSError: it couldn't be written. No part of it stands under its name, nor beside it.
        """
        try:
            if self._error:
                raise self._error
            self._file.flush()
            os.fsync(self._file.fileno())
            with suppress(FileNotFoundError):
                os.fchmod(self._file.fileno(), stat.S_IMODE(self._path.stat().st_mode))
            self._unfinished.replace(self._path)
        except OSError:
            self._unfinished.unlink(missing_ok=True)
            raise
        finally:
            with suppress(OSError):
                self._file.close()


def _begun(path: Path) -> tuple[BinaryIO, Path]:
    """A new file beside ``path``, locked for as long as this process writes it."""
    while True:
        descriptor, name = tempfile.mkstemp(UNFINISHED, f".{path.name}.", path.parent)
        with suppress(OSError):  # A file system without locks: nobody takes it for abandoned there.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Before it was locked, another process may have removed it.
        if Path(name).exists():
            return os.fdopen(descriptor, "wb"), Path(name)
        os.close(descriptor)


def _remove_abandoned(path: Path) -> None:
    """Unfinished files beside ``path`` that no process writes any more."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{UNFINISHED}"):
        with suppress(OSError), left.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def private_folder(path: Path) -> None:
    """Makes a folder of mode 0700. One that exists keeps its mode, and a missing parent gets the usual one.

    Raises:
        OSError: it can't be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_log(path: Path) -> BinaryIO:
    """The log of a process to append to, of mode 0600.

    Raises:
        OSError: it can't be written, or is a link.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "ab")


def own_folder(path: Path) -> bool:
    """Makes a folder for servers, or closes one that exists: mode 0700. Root's can be passed through (0711),
    since root's Elasticsearch runs as another user, which owns closed folders in it.

    Returns:
        whether it existed, and others could read it.

    Raises:
        PermissionError: it is another user's, who could have put links into it that root would follow.
    """
    existed = path.is_dir()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid not in (os.geteuid(), *_elasticsearchs_user()):
        raise PermissionError(f"[{path}] belongs to another user: name another folder, or make it yours")
    was_open = existed and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    if os.geteuid() == 0:
        # An earlier release gave it to the user that runs Elasticsearch.
        os.chown(path, 0, 0)
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return was_open


def close(folder: Path, owner: tuple[int, int] | None = None) -> None:
    """Takes all rights to a folder and what is in it from others.

    Args:
        owner: its new owner and group; only root can give it away.
    """
    for path in [folder, *folder.rglob("*")]:
        # A running server may just have removed it.
        with suppress(FileNotFoundError):
            if owner:
                os.chown(path, *owner, follow_symlinks=False)
            mode = path.lstat().st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def _elasticsearchs_user() -> list[int]:
    """Of root's."""
    return [pwd.getpwnam("nobody").pw_uid] if os.geteuid() == 0 else []
