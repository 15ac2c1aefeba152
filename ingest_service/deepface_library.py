"""DeepFace as a library: on ONNX Runtime, with our cache as its home, and with downloads turned off."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from ingest_service.needs import Needs, absent
from ingest_service.weights.cache import Cache, WeightsError, sha256_of


def build(task: str, client: str, cache: Cache) -> Any:
    """DeepFace's client of a detector (task ``face_detector``) or a model (``facial_recognition``).

    Raises:
        WeightsError: it wants a file that isn't in the cache.
    """
    open_library(cache)
    from deepface.modules import modeling

    return modeling.get_model_class(task, client)()


def open_library(cache: Cache) -> None:
    """Tells DeepFace where its files are, keeps TensorFlow out, and turns downloads off."""
    os.environ["DEEPFACE_HOME"] = str(cache.deepface_home)
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
    import gdown
    from deepface.commons import weight_utils

    # DeepFace and retina-face download absent weights through these two. Serving must not: what is served
    # would depend on what the internet has that day.
    weight_utils.download_weights_if_necessary = _only_from(cache)
    gdown.download = _refused  # type: ignore[assignment]


def digests(needs: Needs, cache: Cache) -> dict[str, str]:
    """Each file's SHA-256."""
    return {file: sha256_of(cache.deepface_weights / file) for file in needs.files}


def versions(module: str) -> dict[str, str]:
    """Of DeepFace and of the packages that contain a module: ``{"deepface": "0.0.103", ...}``."""
    owners = metadata.packages_distributions().get(module, [])
    return {name: metadata.version(name) for name in sorted({"deepface", *owners})}


def _only_from(cache: Cache) -> Any:
    def find(file_name: str, source_url: object = None, compress_type: str | None = None) -> str:
        path: Path = cache.deepface_weights / file_name
        if not path.is_file():
            raise WeightsError(absent("DeepFace", file_name, cache))
        return str(path)

    return find


def _refused(url: str, *_: object, **__: object) -> NoReturn:
    raise WeightsError(f"the service downloads nothing, but {url} was wanted")
