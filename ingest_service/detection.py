"""Where the faces are: CenterFace's network on a bounded copy of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ingest_service import networks
from ingest_service.weights.cache import CENTERFACE_SHA256, Cache

Pixels = NDArray[np.uint8]
"""A photo: (height, width, 3), RGB, upright."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left and right are the person's own, as in DeepFace: in a frontal photo ``left_eye`` has the larger x."""

SECOND_LOOK_BATCH = 8
LONGEST_WARPED = 32_766
"""Pixels of a side that OpenCV's ``warpAffine`` can read."""


@dataclass(frozen=True)
class Detection:
    """One face.

    box: x, y, width, height in pixels of the upright photo, clipped to it.
    confidence: the network's heat map at the face's centre, 0 to 1; of two looks, the surer one's.
    landmarks: (5, 2) x and y in pixels, in the order of ``LANDMARKS``; nan where unknown.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: NDArray[np.float32]

    @property
    def area(self) -> float:
        return self.box[2] * self.box[3]

    @property
    def centre(self) -> NDArray[np.float64]:
        """Of the box, x and y."""
        x, y, width, height = self.box
        return np.array([x + width / 2, y + height / 2])

    @property
    def shorter_side(self) -> float:
        return min(self.box[2], self.box[3])

    def moved(self, scale: NDArray[Any] | float, origin: NDArray[Any]) -> Detection:
        """In other coordinates: times ``scale`` (x and y, or both), then plus ``origin``."""
        corner = np.array(self.box[:2]) * scale + origin
        size = np.array(self.box[2:]) * scale
        box = (float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))
        return replace(self, box=box, landmarks=(self.landmarks * scale + origin).astype(np.float32))

    def widened(self, times: float) -> Detection:
        """With a box so many times as wide and as high, about the same centre."""
        x, y, width, height = self.box
        more = (times - 1) / 2
        return replace(self, box=(x - more * width, y - more * height, times * width, times * height))

    def clipped(self, width: int, height: int) -> Detection:
        """With its box cut off at the photo's edges."""
        x, y, w, h = self.box
        left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
        right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
        return replace(self, box=(left, top, right - left, bottom - top))


class Detector(Protocol):
    """``detect`` may be called from several threads at once."""

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""

    def parts(self) -> dict[str, Any]:
        """Everything about it that shapes a vector, for the model's id."""


@dataclass(frozen=True)
class CenterFace:
    """CenterFace (Xu et al. 2020, arXiv:1911.03599) in ONNX Runtime, in two looks.

    The first look finds candidates: the photo is shrunk until its longest side is at most ``max_side``
    pixels, which bounds the cost whatever the photo's size. Small faces in a large group photo need a larger
    bound. Only a small photo without a face is enlarged, to ``max_side``, and searched again.

    The second look confirms a candidate and places it: its surroundings (the box and ``margin`` of it on
    every side) are scaled to ``second_look``, so that the network sees every face at the same size. Box,
    landmarks and vector then don't depend on the face's size in the photo; and since the first look may be
    unsure of small faces, a smaller copy is enough for it.
    96 x 128 and 0.15 are the smallest of those tried with an EER below 1 % on the sample; `./run bench
    detectors` compares one look with two.

    min_face: pixels of the photo; faces whose box has a shorter side are dropped. This decides which faces
        there are, but shapes no vector.
    candidate: heat map value, 0 to 1, above which either look has a candidate.
    threshold: confidence, 0 to 1, above which a candidate is a face: the surer look's.
    overlap: intersection over union above which two boxes are one face.
    second_look: width and height in pixels, multiples of 32; None for the first look alone.
    """

    network: onnxruntime.InferenceSession
    max_side: int
    min_face: int
    candidate: float = 0.15
    threshold: float = 0.5
    overlap: float = 0.3
    second_look: tuple[int, int] | None = (96, 128)
    margin: float = 0.15

    @classmethod
    def load(cls, cache: Cache, max_side: int, min_face: int) -> CenterFace:
        # On one thread: several photos are searched at once.
        return cls(networks.load(cache.centerface, threads=1), max_side, min_face)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""
        height, width = pixels.shape[:2]
        largest = self.max_side / max(height, width)
        size, enlarged = (_in_32s(width, height, scale) for scale in (min(1.0, largest), largest))
        faces = self._detect(pixels, size)
        return faces if faces or size == enlarged else self._detect(pixels, enlarged)

    def _detect(self, pixels: Pixels, size: tuple[int, int]) -> list[Detection]:
        """On a copy of ``size``, width and height."""
        height, width = pixels.shape[:2]
        small, scales = resized(pixels, size)
        (found,) = self._look(small[np.newaxis])
        faces = [face.moved(1 / np.array(scales), np.zeros(2)) for face in found]
        if self.second_look:
            faces = self._look_again(pixels, faces, self.second_look)
        kept = [
            face
            for face in (face.clipped(width, height) for face in faces)
            if face.confidence > self.threshold and face.shorter_side >= self.min_face
        ]
        return sorted(_distinct(kept, self.overlap), key=lambda face: face.area, reverse=True)

    def parts(self) -> dict[str, Any]:
        return {
            "name": "centerface",
            "weights": CENTERFACE_SHA256,
            "max_side": self.max_side,
            "copy": "halved, then by areas; enlarged where nothing is found",
            "second_look": [self.second_look and list(self.second_look), self.margin],
            "threshold": [self.candidate, self.threshold],
            "overlap": self.overlap,
        }

    def _look_again(self, pixels: Pixels, faces: list[Detection], size: tuple[int, int]) -> list[Detection]:
        """Each face as found by the second look, or as it was if that finds nothing. Its confidence is the
        surer look's."""
        again = []
        for start in range(0, len(faces), SECOND_LOOK_BATCH):
            batch = faces[start : start + SECOND_LOOK_BATCH]
            windows = [_window(pixels, face, size, self.margin) for face in batch]
            looks = self._look(np.stack([window.pixels for window in windows]))
            for face, window, look in zip(batch, windows, looks, strict=True):
                central = (near for near in look if _is_central(near, size))
                seen = max(central, key=attrgetter("confidence"), default=None)
                if seen is None:
                    again.append(face)
                else:
                    placed = seen.moved(1 / window.scale, window.origin)
                    again.append(replace(placed, confidence=max(seen.confidence, face.confidence)))
        return again

    def _look(self, images: Pixels) -> list[list[Detection]]:
        """(n, height, width, 3) -> each image's faces, in its own pixels."""
        planes = images.transpose(0, 3, 1, 2).astype(np.float32)
        outputs = networks.run(self.network, planes)
        return [self._decode(*(output[number] for output in outputs)) for number in range(len(images))]

    def _decode(
        self,
        heat: NDArray[np.float32],
        size: NDArray[np.float32],
        offset: NDArray[np.float32],
        points: NDArray[np.float32],
    ) -> list[Detection]:
        """Heat map, box sizes (log, in cells of 4 pixels), centre offsets and landmarks -> detections."""
        rows, columns = np.where(heat[0] > self.candidate)
        if rows.size == 0:
            return []
        scores = heat[0, rows, columns]
        box_h, box_w = np.exp(size[:, rows, columns]) * 4
        top = (rows + offset[0, rows, columns] + 0.5) * 4 - box_h / 2
        left = (columns + offset[1, rows, columns] + 0.5) * 4 - box_w / 2
        boxes = np.stack([left, top, box_w, box_h], axis=1)
        kept = _suppress(boxes.tolist(), scores.tolist(), self.overlap)
        # The network's order is right eye, left eye, nose, right and left corner of the mouth; y before x.
        marks = points[:, rows[kept], columns[kept]].T.reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3], ::-1]
        marks = marks * boxes[kept, np.newaxis, 2:] + boxes[kept, np.newaxis, :2]
        return [
            Detection((x, y, width, height), float(score), of_face)
            for (x, y, width, height), score, of_face in zip(
                boxes[kept].tolist(), scores[kept], marks.astype(np.float32), strict=True
            )
        ]


@dataclass(frozen=True)
class Window:
    """A part of a photo: ``scale`` window pixels a photo pixel, its corner at ``origin`` in the photo."""

    pixels: Pixels
    scale: float
    origin: NDArray[np.float64]


def _window(pixels: Pixels, face: Detection, size: tuple[int, int], margin: float) -> Window:
    """The face and its surroundings in (width, height) pixels, black outside of the photo."""
    _, _, width, height = face.box
    scale = min(size[0] / width, size[1] / height) / (1 + 2 * margin)
    columns, rows = size[0] / scale, size[1] / scale
    origin = face.centre - np.array([columns, rows]) / 2
    left, top = np.maximum(origin, 0).astype(int)
    part = pixels[top : int(origin[1] + rows) + 2, left : int(origin[0] + columns) + 2]
    part, part_scale = shrunk(part, scale)
    matrix = np.array(
        [
            [scale / part_scale[0], 0, (left - origin[0]) * scale],
            [0, scale / part_scale[1], (top - origin[1]) * scale],
        ]
    )
    window = cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR)
    return Window(window.astype(np.uint8, copy=False), scale, origin)


def shrunk(pixels: Pixels, scale: float) -> tuple[Pixels, tuple[float, float]]:
    """Pixels scaled down by areas (each counts), and the scale in x and y; unchanged if ``scale`` is 1 or
    more and no side is too long for OpenCV's ``warpAffine``."""
    height, width = pixels.shape[:2]
    size = (_scaled_side(width, scale), _scaled_side(height, scale))
    return resized(pixels, size) if size != (width, height) else (pixels, (1.0, 1.0))


def _scaled_side(side: int, scale: float) -> int:
    return min(max(1, round(side * min(scale, 1.0))), LONGEST_WARPED)


def resized(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, tuple[float, float]]:
    """Pixels scaled to (width, height) by areas, and the scale in x and y.

    First halved while at least twice the size is left, without an odd last row or column: for a 12-megapixel
    photo that is five times as fast as one step, as OpenCV has vector code for halving only.
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


def _is_central(face: Detection, size: tuple[int, int]) -> bool:
    """Whether its box's centre is near the centre of a window: within a fifth of the shorter side."""
    return float(np.hypot(*(face.centre - np.array(size) / 2))) <= min(size) / 5


def _distinct(faces: list[Detection], overlap: float) -> list[Detection]:
    """Non-maximum suppression: of faces whose boxes overlap by more, the surest stays."""
    kept = _suppress([face.box for face in faces], [face.confidence for face in faces], overlap)
    return [faces[i] for i in kept]


def _suppress(boxes: Sequence[Any], scores: Sequence[float], overlap: float) -> list[int]:
    """Which of the boxes stay, the surest first."""
    return [int(i) for i in cv2.dnn.NMSBoxes(boxes, scores, 0.0, overlap)] if boxes else []


def _in_32s(width: int, height: int, scale: float) -> tuple[int, int]:
    """The scaled size in multiples of 32, since the network halves its input five times."""
    return max(1, round(width * scale / 32)) * 32, max(1, round(height * scale / 32)) * 32
