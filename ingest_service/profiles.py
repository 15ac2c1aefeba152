"""A profile: one way from pixels to vectors, with a name, and an id that covers all that shapes a vector."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest_service import deepface_library, detectors
from ingest_service.alignment import align
from ingest_service.catalogue import FACENET_NOTE, RECOGNIZERS
from ingest_service.detection import Detection, Detector, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.model import FoundFace, Model
from ingest_service.named import NamedProfile
from ingest_service.settings import PROFILES, Settings
from ingest_service.weights import CENTERFACE_SHA256, Cache, facenet_digest

WIDER = 1.08
"""Of the second view's box. Of 1, 1.08 and 1.12 it misses the fewest of half of LFW's searches at an FPIR of
0.01: `./run bench profile`."""


class Profile(Protocol):
    """Both methods may be called from several threads at once."""

    @property
    def model(self) -> Model: ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of a face as the network wants it: rows, columns and channels, for several views of it after their
        number."""

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """The photo's faces, largest first."""

    def embed(self, faces: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        """(n, *input_shape) network inputs -> (n, model.dims) unit vectors.

        Args:
            alone: on all cores, for a caller who waits; else on one, beside others.
        """


def check(settings: Settings) -> None:
    """All that can be said before anything is loaded.

    Raises:
        SettingsError: a package isn't installed.
        WeightsError: the cache lacks a network, or it is damaged.
    """
    if settings.profile in RECOGNIZERS:
        _require_recognizer(settings)
    else:
        facenet_digest(Cache(settings.cache))
    detectors.check(settings)


def _require_recognizer(settings: Settings) -> None:
    needs = RECOGNIZERS[settings.profile].needs
    deepface_library.require(f"FACES_PROFILE [{settings.profile}]", needs, Cache(settings.cache))


def load(settings: Settings) -> Profile:
    """
    Raises:
        SettingsError, WeightsError: as ``check`` does.
    """
    cache = Cache(settings.cache)
    if settings.profile in RECOGNIZERS:
        _require_recognizer(settings)
        return NamedProfile.load(settings.profile, detectors.load(settings), cache)
    weights = facenet_digest(cache)
    if settings.profile == "deepface":
        detectors.check(settings)
        return DeepFaceProfile(Facenet.load(cache.facenet, settings.workers), _deepface_model(weights), cache)
    detector = detectors.load(settings)
    network = Facenet.load(cache.facenet, settings.workers)
    second_view = settings.profile == "facenet-thorough"
    model = _facenet_model(settings.profile, weights, detector, second_view)
    return FacenetProfile(detector, network, model, second_view)


def available(settings: Settings, served: Model) -> list[dict[str, Any]]:
    """Every model: its terms, whether it could be served from this cache, and which is."""
    cache = Cache(settings.cache)
    complete = cache.facenet.is_file() and cache.centerface.is_file()
    models: list[dict[str, Any]] = [
        {"name": name, "dims": 128, "licence": "MIT", "note": FACENET_NOTE, "weights_present": complete}
        for name in PROFILES
    ]
    for name, recognizer in RECOGNIZERS.items():
        about = {
            "name": name,
            "dims": recognizer.dims,
            "licence": recognizer.licence,
            "note": recognizer.note,
        }
        models.append(about | {"weights_present": deepface_library.is_complete(recognizer.needs, cache)})
    for model in models:
        model["served"] = model["name"] == served.profile
        if model["served"]:
            model["id"] = served.id
    return models


def _facenet_model(profile: str, weights: str, detector: Detector, second_view: bool) -> Model:
    return Model.of(
        profile,
        dims=128,
        weights=weights,
        detector=detector.parts(),
        alignment="eyes and box" + (f", averaged with {WIDER} of it mirrored" if second_view else ""),
        colour="RGB",
        resize="stretched to 160 x 160, halved, areas, then cubic",
        normalization="Facenet",
    )


def _deepface_model(weights: str) -> Model:
    return Model.of(
        "deepface",
        dims=128,
        weights=weights,
        detector={"name": "centerface", "weights": CENTERFACE_SHA256, "threshold": 0.35},
        alignment="DeepFace 0.0.103",
        colour="BGR",
        resize="letterboxed to 160 x 160",
        normalization="Facenet",
    )


@dataclass(frozen=True)
class FacenetProfile:
    """Facenet fed the way it was trained: RGB, the box stretched, faces found on a bounded copy.

    second_view: a vector is the mean direction of two: the face's, and that of the mirror image of a box
        ``WIDER`` times as wide and high, for twice the network's work.
    """

    detector: Detector
    network: Facenet
    model: Model
    second_view: bool = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of a face, or of its two views."""
        face = (self.network.size, self.network.size, 3)
        return (2, *face) if self.second_view else face

    def find(self, pixels: Pixels) -> list[FoundFace]:
        size = (self.network.size, self.network.size)
        found = []
        for detection in self.detector.detect(pixels):
            aligned = align(pixels, detection, size)
            network_input = whiten(aligned)
            if self.second_view:
                wider = align(pixels, detection.widened(WIDER), size)
                network_input = np.stack([network_input, whiten(wider[:, ::-1])])
            found.append(FoundFace(detection, aligned, network_input))
        return found

    def embed(self, faces: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        if not self.second_view:
            return unit(self.network.embed(faces, alone))
        # Each view in a run of its own, or a full batch would take twice the memory.
        one, other = (
            unit(self.network.embed(np.ascontiguousarray(faces[:, view]), alone)) for view in range(2)
        )
        return unit(one + other)


@dataclass(frozen=True)
class DeepFaceProfile:
    """The vectors of ``DeepFace.represent(model_name="Facenet", detector_backend="centerface",
    normalization="Facenet")``: DeepFace's own detection, alignment and preparation, our run of its network.
    """

    network: Facenet
    model: Model
    cache: Cache

    def __post_init__(self) -> None:
        deepface_library.open_library(self.cache)
        os.environ["CENTERFACE_THRESHOLD"] = "0.35"
        import deepface.modules.detection  # noqa: F401 (here rather than in the first request)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (self.network.size, self.network.size, 3)

    def find(self, pixels: Pixels) -> list[FoundFace]:
        from deepface.modules import detection, preprocessing

        bgr = np.ascontiguousarray(pixels[:, :, ::-1])
        faces = detection.extract_faces(
            bgr, detector_backend="centerface", align=True, enforce_detection=False, color_face="rgb"
        )
        found = []
        for face in faces:
            if face["confidence"] == 0:  # what DeepFace returns when there is no face: the whole photo
                continue
            prepared = preprocessing.resize_image(
                face["face"][:, :, ::-1], (self.network.size, self.network.size)
            )
            network_input = preprocessing.normalize_input(prepared.copy(), "Facenet")[0]
            aligned = np.clip(np.rint(prepared[0, :, :, ::-1] * 255), 0, 255).astype(np.uint8)
            found.append(FoundFace(_detection(face), aligned, network_input.astype(np.float32)))
        return sorted(found, key=lambda face: face.detection.area, reverse=True)

    def embed(self, faces: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        return unit(self.network.embed(faces, alone))


def _detection(face: dict[str, Any]) -> Detection:
    area = face["facial_area"]
    landmarks = np.full((5, 2), np.nan, dtype=np.float32)
    for row, name in enumerate(("left_eye", "right_eye")):
        if area[name] is not None:
            landmarks[row] = area[name]
    box = (float(area["x"]), float(area["y"]), float(area["w"]), float(area["h"]))
    return Detection(box, float(face["confidence"]), landmarks)


def warm_up(profile: Profile) -> None:
    """One pass through both networks, so that the first request isn't slower than the rest."""
    cv2.setNumThreads(1)  # the requests beside each other already use all cores
    profile.find(np.zeros((160, 160, 3), dtype=np.uint8))
    for alone in (True, False):
        profile.embed(np.zeros((1, *profile.input_shape), dtype=np.float32), alone)
