"""Files and folders that show people or hold keys: only their owner can read them, whatever the umask."""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE_UMASK = 0o077
"""For the processes started here."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600. One that exists keeps its mode: whoever shared it meant to.

    Raises:
        OSError: it can't be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


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
