"""What all models share: a model's id, a face before it is embedded, and what serves a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.needs import Needs
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.weights.cache import Cache

ALIGNED = 160
"""Pixels a side of the picture that the quality is measured on: the same for every model."""


@dataclass(frozen=True)
class Preparation:
    """How a face's pixels become network input, in words that are part of the model's id."""

    alignment: str
    colour: str
    resize: str
    normalization: str


@dataclass(frozen=True)
class Model:
    """Vectors are comparable if their models' ids are equal, and only then.

    digest: SHA-256 over everything that shapes a vector; the id is the profile's name and its start.
    """

    profile: str
    digest: str
    dims: int

    @property
    def id(self) -> str:
        return f"{self.profile}-{self.digest[:8]}"

    @classmethod
    def of(
        cls, profile: str, *, dims: int, weights: Any, detector: dict[str, Any], preparation: Preparation
    ) -> Model:
        """
        Args:
            weights: digests of the recognition network's weights, as any JSON.
            detector: all of ``Detector.parts``.
        """
        parts = {
            "profile": profile,
            "dims": dims,
            "weights": weights,
            "detector": detector,
            **asdict(preparation),
        }
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return cls(profile, hashlib.sha256(canonical.encode()).hexdigest(), dims)


@dataclass(frozen=True)
class FoundFace:
    """
    aligned: (``ALIGNED``, ``ALIGNED``, 3) RGB, as people look at it; its quality is measured on it.
    network_input: float32 of the profile's ``input_shape``, as the network wants it.
    """

    detection: Detection
    aligned: Pixels
    network_input: NDArray[np.float32]


class Profile(Protocol):
    """A loaded model. Its methods may be called from several threads at once."""

    @property
    def model(self) -> Model: ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of a face as the network wants it, or as several networks do, one after the other."""

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """The photo's faces, largest first."""

    def prepare(self, pixels: Pixels, face: Detection) -> FoundFace:
        """A face whose place in the photo is known."""

    def embed(self, faces: NDArray[np.float32], all_cores: bool = False) -> NDArray[np.float32]:
        """(n, *input_shape) network inputs -> (n, model.dims) unit vectors.

        Args:
            all_cores: for a request that is served alone; else on one core, beside other calls.
        """


@dataclass(frozen=True)
class ModelEntry:
    """A row of the registry.

    name: for FACES_PROFILE.
    size: of a face as the (first) network wants it, width and height.
    licence: of the weights, as far as their authors say; ``unknown`` where they don't, or contradict each
        other. ``note`` says more.
    load: makes the profile, which prepares and embeds faces.
    own_detector: the profile finds faces itself, so FACES_DETECTOR can't be chosen.
    max_pixels: default of FACES_MAX_PIXELS.
    listed: offered to users, in ``/v1/models`` and in messages.
    only_in: the one runtime that the model's network is made for, if it is.
    """

    name: str
    dims: int
    size: tuple[int, int]
    needs: Needs
    licence: Literal["CC0-1.0", "MIT", "Apache-2.0", "MIT and Apache-2.0", "non-commercial", "unknown"]
    note: str
    load: Callable[[Loading], Profile]
    own_detector: bool = False
    max_pixels: int = 50_000_000
    listed: bool = True
    only_in: Runtime | None = None

    @property
    def fixed_runtime(self) -> Runtime | None:
        """None where FACES_RUNTIME and FACES_PRECISION choose it: for networks that we run ourselves. The
        profile ``deepface`` and models with a DeepFace name run DeepFace's own."""
        is_ours = bool(self.needs.prepared) and not self.own_detector
        return self.only_in or (None if is_ours else ONNX_FP32)


@dataclass(frozen=True)
class Loading:
    """What a profile is loaded with.

    cores: that one face may be embedded on.
    runtime: of the networks that we run ourselves.
    load_detector: the detector that the settings name, for a profile that takes one.
    """

    entry: ModelEntry
    cache: Cache
    cores: int
    runtime: Runtime
    load_detector: Callable[[], Detector]

    def model(self, detector: Detector, weights: Any, preparation: Preparation) -> Model:
        """What the entry's vectors are of: as ``Model.of``."""
        return Model.of(
            self.entry.name,
            dims=self.entry.dims,
            weights=weights,
            detector=detector.parts(),
            preparation=preparation,
        )
