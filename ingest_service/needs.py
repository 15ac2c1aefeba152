"""What a model or a detector needs on this machine: a package, and files in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from ingest_service.errors import SettingsError
from ingest_service.weights.cache import (
    DLIB_FIVE_POINTS,
    DLIB_RESNET,
    SFACE,
    YUNET,
    Cache,
    PreparedNetwork,
    WeightsError,
    require_intact,
)


@dataclass(frozen=True)
class Needs:
    """
    module, package: what is imported, and what pip calls it; "" for nothing beyond our own requirements.
    files: weights that DeepFace looks for in its folder; () where the package carries them.
    prepared: networks that ``python -m ingest_service.weights`` makes.
    """

    module: str = ""
    package: str = ""
    files: tuple[str, ...] = ()
    prepared: tuple[PreparedNetwork, ...] = ()

    def require(self, wanted_by: str, cache: Cache) -> None:
        """
        Args:
            wanted_by: a setting and its value in brackets, for the message.

        Raises:
            SettingsError: the package isn't installed.
            WeightsError: a file is absent, or a prepared network is damaged.
        """
        if not self._is_installed():
            raise SettingsError(f"{wanted_by} needs the package {self.package}: pip install {self.package}")
        for file in self.files:
            if not (cache.deepface_weights / file).is_file():
                raise WeightsError(absent(wanted_by, file, cache))
        for network in self.prepared:
            require_intact(cache, network)

    def are_present(self, cache: Cache) -> bool:
        """Whether the package is installed and the files are there; their content isn't read."""
        files = [cache.deepface_weights / file for file in self.files]
        files += [file for name in self.prepared for file in cache.files(name)]
        return all(file.is_file() for file in files) and self._is_installed()

    def _is_installed(self) -> bool:
        return not self.module or find_spec(self.module) is not None


def absent(wanted_by: str, file: str, cache: Cache) -> str:
    """The message for a file that isn't in DeepFace's folder."""
    if file in (DLIB_RESNET, DLIB_FIVE_POINTS):
        remedy = "run `python -m ingest_service.weights --model Dlib`"
    elif file in (SFACE, YUNET):
        remedy = "run `python -m ingest_service.weights`"
    else:
        remedy = "put it there (its address is in DeepFace's own source)"
    return f"{wanted_by} needs {cache.deepface_weights / file}, and the service downloads nothing: {remedy}"
