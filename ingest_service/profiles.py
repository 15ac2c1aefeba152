"""A profile: one way from pixels to vectors, with a name, and an id that covers all that shapes a vector."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ingest_service.alignment import align
from ingest_service.detection import MARGIN, SECOND_LOOK, CenterFace, Detection, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.settings import Settings
from ingest_service.weights import CENTERFACE_SHA256, Cache, facenet_digest


@dataclass(frozen=True)
class Model:
    """What a vector is comparable within: equal ids, and no others.

    digest: SHA-256 over everything that shapes a vector; the id is the profile's name and its start.
    """

    profile: str
    digest: str
    dims: int = 128

    @property
    def id(self) -> str:
        return f"{self.profile}-{self.digest[:8]}"

    @classmethod
    def of(cls, profile: str, **parts: Any) -> Model:
        canonical = json.dumps({"profile": profile, **parts}, sort_keys=True, separators=(",", ":"))
        return cls(profile, hashlib.sha256(canonical.encode()).hexdigest())

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "digest": self.digest, "dims": self.dims}


@dataclass(frozen=True)
class FoundFace:
    """
    aligned: (160, 160, 3) RGB, as people look at it.
    network_input: (160, 160, 3) float32, as the network wants it.
    """

    detection: Detection
    aligned: Pixels
    network_input: NDArray[np.float32]


class Profile(Protocol):
    """Both methods may be called from several threads at once."""

    @property
    def model(self) -> Model: ...

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """The photo's faces, largest first."""

    def embed(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 160, 160, 3) network inputs -> (n, 128) unit vectors."""


def load(settings: Settings) -> Profile:
    """
    Raises:
        WeightsError: the cache lacks the networks, or they are damaged.
    """
    cache = Cache(settings.cache)
    weights = facenet_digest(cache)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = settings.workers
    # Threads that spin while they wait would take the cores from the requests beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    network = Facenet.load(cache.facenet, options)
    if settings.profile == "deepface":
        return DeepFaceProfile(network, _deepface_model(weights), cache)
    detector = CenterFace.load(cache.centerface, settings.detector_max_side, settings.min_face_px, options)
    return FacenetProfile(detector, network, _facenet_model(weights, detector))


def _facenet_model(weights: str, detector: CenterFace) -> Model:
    return Model.of(
        "facenet",
        weights=weights,
        detector={
            "name": "centerface",
            "weights": CENTERFACE_SHA256,
            "max_side": detector.max_side,
            "second_look": [SECOND_LOOK, MARGIN],
            "threshold": detector.threshold,
            "overlap": detector.overlap,
        },
        alignment="eyes and box",
        colour="RGB",
        resize="stretched to 160 x 160, areas then cubic",
        normalization="Facenet",
    )


def _deepface_model(weights: str) -> Model:
    return Model.of(
        "deepface",
        weights=weights,
        detector={"name": "centerface", "weights": CENTERFACE_SHA256, "threshold": 0.35},
        alignment="DeepFace 0.0.103",
        colour="BGR",
        resize="letterboxed to 160 x 160",
        normalization="Facenet",
    )


@dataclass(frozen=True)
class FacenetProfile:
    """Facenet fed the way it was trained: RGB, the box stretched, faces found on a bounded copy."""

    detector: CenterFace
    network: Facenet
    model: Model

    def find(self, pixels: Pixels) -> list[FoundFace]:
        found = []
        for detection in self.detector.detect(pixels):
            aligned = align(pixels, detection, self.network.size)
            found.append(FoundFace(detection, aligned, whiten(aligned)))
        return found

    def embed(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit(self.network.embed(faces))


@dataclass(frozen=True)
class DeepFaceProfile:
    """The vectors of ``DeepFace.represent(model_name="Facenet", detector_backend="centerface",
    normalization="Facenet")``: DeepFace's own detection, alignment and preparation, our run of its network.
    """

    network: Facenet
    model: Model
    cache: Cache

    def __post_init__(self) -> None:
        # Before DeepFace is imported: where its files are, and that TensorFlow stays out.
        os.environ["DEEPFACE_HOME"] = str(self.cache.deepface_home)
        os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
        os.environ["CENTERFACE_THRESHOLD"] = "0.35"
        import deepface.modules.detection  # noqa: F401 (here rather than in the first request)

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

    def embed(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit(self.network.embed(faces))


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
    blank = np.zeros((160, 160, 3), dtype=np.uint8)
    profile.find(blank)
    profile.embed(whiten(blank)[np.newaxis])
