"""DeepFace as a library: on ONNX Runtime, with our cache as its home, and unable to download."""

from __future__ import annotations

import os
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from ingest_service.catalogue import Needs
from ingest_service.settings import SettingsError
from ingest_service.weights import Cache, WeightsError, sha256_of


def require(wanted_by: str, needs: Needs, cache: Cache) -> None:
    """
    Raises:
        SettingsError: a package isn't installed.
        WeightsError: a file isn't in DeepFace's folder.
    """
    if find_spec(needs.module) is None:
        raise SettingsError(f"{wanted_by} needs the package {needs.package}: pip install {needs.package}")
    for file in needs.files:
        if not (cache.deepface_weights / file).is_file():
            raise WeightsError(_absent(wanted_by, file, cache))


def is_complete(needs: Needs, cache: Cache) -> bool:
    """Whether its package is installed and its weights are in the cache."""
    present = all((cache.deepface_weights / file).is_file() for file in needs.files)
    return present and find_spec(needs.module) is not None


def build(task: str, client: str, cache: Cache) -> Any:
    """DeepFace's client of a detector (task ``face_detector``) or a model (``facial_recognition``).

    Raises:
        WeightsError: it wants a file that isn't in the cache.
    """
    open_library(cache)
    from deepface.modules import modeling

    return modeling.get_model_class(task, client)()


def open_library(cache: Cache) -> None:
    """Before DeepFace is used: where its files are; no TensorFlow; and nothing is fetched."""
    os.environ["DEEPFACE_HOME"] = str(cache.deepface_home)
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
    import gdown
    from deepface.commons import weight_utils

    # DeepFace and retina-face fetch absent weights through these two. Serving must not: what is served
    # would depend on the moment's internet.
    weight_utils.download_weights_if_necessary = _only_from(cache)
    gdown.download = _refused  # type: ignore[assignment]


def digests(needs: Needs, cache: Cache) -> dict[str, str]:
    """Each file's SHA-256."""
    return {file: sha256_of(cache.deepface_weights / file) for file in needs.files}


def versions(module: str) -> dict[str, str]:
    """Of DeepFace, and of the distributions that bring a module: ``{"deepface": "0.0.103", ...}``."""
    owners = metadata.packages_distributions().get(module, [])
    return {name: metadata.version(name) for name in sorted({"deepface", *owners})}


def _only_from(cache: Cache) -> Any:
    def find(file_name: str, source_url: object = None, compress_type: str | None = None) -> str:
        path: Path = cache.deepface_weights / file_name
        if not path.is_file():
            raise WeightsError(_absent("DeepFace", file_name, cache))
        return str(path)

    return find


def _refused(url: str, *_: object, **__: object) -> NoReturn:
    raise WeightsError(f"the service downloads nothing, but {url} was wanted")


def _absent(wanted_by: str, file: str, cache: Cache) -> str:
    bring = (
        "`python -m ingest_service.weights --model Dlib` brings it"
        if file.endswith(".dat")
        else "put it there (its address is in DeepFace's own source)"
    )
    return f"{wanted_by} needs {cache.deepface_weights / file}, and the service downloads nothing: {bring}"
