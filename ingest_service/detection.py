"""Where the faces are: CenterFace's network on a bounded copy of the photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ingest_service.weights import CENTERFACE_SHA256

Pixels = NDArray[np.uint8]
"""A photo: (height, width, 3), RGB, upright."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left and right are the person's own, as in DeepFace: in a frontal photo ``left_eye`` has the larger x."""

SECOND_LOOK_BATCH = 8


@dataclass(frozen=True)
class Detection:
    """One face.

    box: x, y, width, height in pixels of the upright photo, clipped to it.
    confidence: the network's heat map at the face's centre, 0 to 1.
    landmarks: (5, 2) x and y in pixels, in the order of ``LANDMARKS``; nan where unknown.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: NDArray[np.float32]

    @property
    def area(self) -> float:
        return self.box[2] * self.box[3]

    @property
    def shorter_side(self) -> float:
        return min(self.box[2], self.box[3])

    def moved(self, scale: NDArray[Any] | float, origin: NDArray[Any]) -> Detection:
        """In other coordinates: times ``scale`` (x and y, or both), then plus ``origin``."""
        corner = np.array(self.box[:2]) * scale + origin
        size = np.array(self.box[2:]) * scale
        box = (float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))
        return replace(self, box=box, landmarks=(self.landmarks * scale + origin).astype(np.float32))

    def clipped(self, width: int, height: int) -> Detection:
        """Its box cut off at the photo's edges."""
        x, y, w, h = self.box
        left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
        right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
        return replace(self, box=(left, top, right - left, bottom - top))


class Detector(Protocol):
    """``detect`` may be called from several threads at once."""

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""

    def parts(self) -> dict[str, Any]:
        """All of it that shapes a vector, for the model's id."""


@dataclass(frozen=True)
class CenterFace:
    """CenterFace (Xu et al. 2020, arXiv:1911.03599) in ONNX Runtime, in two looks.

    The first look finds the faces: the photo is shrunk until its longest side is at most ``max_side``
    pixels, and never enlarged, so its cost is bounded whatever the photo's size. Small faces in a large
    group photo need a larger bound.

    The second look says where each exactly is: its surroundings (the box and ``margin`` of it on every side)
    are brought to ``second_look`` pixels, so that the network sees every face at the same size. Box and
    landmarks then no longer depend on how large the face was in the photo, and neither does the vector.
    192 and 0.4 are the smallest of those tried that brought the sample's EER below 1 %; `./run bench
    detectors` shows one look beside two.

    min_face: pixels of the photo; faces whose box has a shorter side below it are dropped. That decides which
        faces there are, but shapes no vector.
    threshold: of the first look's heat map, 0 to 1.
    overlap: intersection over union above which two boxes are one face.
    second_look: pixels a side; 0 for the first look alone.
    """

    session: onnxruntime.InferenceSession
    max_side: int = 320
    min_face: int = 16
    threshold: float = 0.5
    overlap: float = 0.3
    second_look: int = 192
    margin: float = 0.4

    @classmethod
    def load(
        cls, path: Path, max_side: int, min_face: int, options: onnxruntime.SessionOptions
    ) -> CenterFace:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return cls(session, max_side, min_face)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""
        height, width = pixels.shape[:2]
        scale = min(1.0, self.max_side / max(height, width))
        # The network halves its input five times, so both sides are multiples of 32.
        small, scales = resized(pixels, (_up_to_32(width * scale), _up_to_32(height * scale)))
        (found,) = self._look(small[np.newaxis])
        faces = [face.moved(1 / np.array(scales), np.zeros(2)) for face in found]
        if self.second_look:
            faces = self._look_again(pixels, faces)
        kept = [
            face
            for face in (face.clipped(width, height) for face in faces)
            if face.shorter_side >= self.min_face
        ]
        return sorted(_distinct(kept, self.overlap), key=lambda face: face.area, reverse=True)

    def parts(self) -> dict[str, Any]:
        return {
            "name": "centerface",
            "weights": CENTERFACE_SHA256,
            "max_side": self.max_side,
            "shrunk": "halved, then by areas",
            "second_look": [self.second_look, self.margin],
            "threshold": self.threshold,
            "overlap": self.overlap,
        }

    def _look_again(self, pixels: Pixels, faces: list[Detection]) -> list[Detection]:
        """Each face as the network sees it at its own scale; as it was, where nothing is seen there."""
        again = []
        for start in range(0, len(faces), SECOND_LOOK_BATCH):
            batch = faces[start : start + SECOND_LOOK_BATCH]
            windows = [_window(pixels, face, self.second_look, self.margin) for face in batch]
            looks = self._look(np.stack([window.pixels for window in windows]))
            for face, window, look in zip(batch, windows, looks, strict=True):
                off, seen = min(
                    ((_off_centre(near, self.second_look), near) for near in look),
                    key=itemgetter(0),
                    default=(np.inf, face),
                )
                if off > self.second_look / 5:
                    again.append(face)
                else:
                    # Found is what the first look was sure of: the second may be less so, and only measures.
                    again.append(
                        replace(seen.moved(1 / window.scale, window.origin), confidence=face.confidence)
                    )
        return again

    def _look(self, images: Pixels) -> list[list[Detection]]:
        """(n, height, width, 3) -> each image's faces, in its own pixels."""
        planes = images.transpose(0, 3, 1, 2).astype(np.float32)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: planes})
        return [self._decode(*(output[number] for output in outputs)) for number in range(len(images))]

    def _decode(
        self,
        heat: NDArray[np.float32],
        size: NDArray[np.float32],
        offset: NDArray[np.float32],
        points: NDArray[np.float32],
    ) -> list[Detection]:
        """Heat map, box sizes (log, in cells of 4 pixels), centre offsets and landmarks -> detections."""
        rows, columns = np.where(heat[0] > self.threshold)
        if rows.size == 0:
            return []
        scores = heat[0, rows, columns]
        box_h, box_w = np.exp(size[:, rows, columns]) * 4
        top = (rows + offset[0, rows, columns] + 0.5) * 4 - box_h / 2
        left = (columns + offset[1, rows, columns] + 0.5) * 4 - box_w / 2
        boxes = np.stack([left, top, box_w, box_h], axis=1)
        # The network's order is right eye, left eye, nose, right and left corner of the mouth; y before x.
        marks = points[:, rows, columns].reshape(5, 2, -1)[[1, 0, 2, 4, 3], ::-1]
        marks = marks * np.stack([box_w, box_h]) + np.stack([left, top])
        found = []
        for i, (x, y, width, height) in enumerate(boxes.tolist()):
            found.append(
                Detection((x, y, width, height), float(scores[i]), marks[:, :, i].astype(np.float32))
            )
        return _distinct(found, self.overlap)


@dataclass(frozen=True)
class Window:
    """A square of a photo: ``scale`` window pixels a photo pixel, its corner at ``origin`` in the photo."""

    pixels: Pixels
    scale: float
    origin: NDArray[np.float64]


def _window(pixels: Pixels, face: Detection, size: int, margin: float) -> Window:
    """The face and its surroundings, ``size`` pixels a side, black outside of the photo."""
    x, y, width, height = face.box
    side = max(width, height) * (1 + 2 * margin)
    origin = np.array([x + width / 2 - side / 2, y + height / 2 - side / 2])
    scale = size / side
    left, top = np.maximum(origin, 0).astype(int)
    part = pixels[top : int(origin[1] + side) + 2, left : int(origin[0] + side) + 2]
    part, part_scale = shrunk(part, scale)
    matrix = np.array(
        [
            [scale / part_scale[0], 0, (left - origin[0]) * scale],
            [0, scale / part_scale[1], (top - origin[1]) * scale],
        ]
    )
    square = cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return Window(square.astype(np.uint8, copy=False), scale, origin)


def shrunk(pixels: Pixels, scale: float) -> tuple[Pixels, tuple[float, float]]:
    """Pixels scaled down by areas, so that each counts, and by how much in x and y; as they are if ``scale``
    is 1 or more."""
    if scale >= 1:
        return pixels, (1.0, 1.0)
    height, width = pixels.shape[:2]
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, tuple[float, float]]:
    """Pixels brought to (width, height) by areas, and by how much in x and y.

    Halved first for as long as at least twice the size is left, an odd last row or column dropped: for a
    12-megapixel photo that is five times as fast as one step, as OpenCV has vector code for halving only.
    """
    width, height = size
    halved = 1
    while pixels.shape[1] >= 4 * width and pixels.shape[0] >= 4 * height:
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = pixels[: 2 * half[1], : 2 * half[0]]
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        halved *= 2
    scales = (width / pixels.shape[1] / halved, height / pixels.shape[0] / halved)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), scales


def _off_centre(face: Detection, size: int) -> float:
    """Pixels from the centre of a window of ``size`` pixels."""
    x, y, width, height = face.box
    return float(np.hypot(x + width / 2 - size / 2, y + height / 2 - size / 2))


def _distinct(faces: list[Detection], overlap: float) -> list[Detection]:
    """Non-maximum suppression: of faces whose boxes overlap more, the surest stays."""
    if not faces:
        return []
    boxes, scores = [face.box for face in faces], [face.confidence for face in faces]
    return [faces[i] for i in np.asarray(cv2.dnn.NMSBoxes(boxes, scores, 0.0, overlap), dtype=int)]


def _up_to_32(pixels: float) -> int:
    return max(1, int(np.ceil(pixels / 32))) * 32
