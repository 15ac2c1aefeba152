"""Where the faces are: CenterFace's network on a bounded copy of the photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A photo: (height, width, 3), RGB, upright."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left and right are the person's own, as in DeepFace: in a frontal photo ``left_eye`` has the larger x."""

SECOND_LOOK = 192
"""Pixels a side of a face's surroundings in the second look, and MARGIN the box's share on every side: the
smallest of those tried that brings the sample's EER below 1 % (`./run bench detectors`)."""
MARGIN = 0.4
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


@dataclass(frozen=True)
class CenterFace:
    """CenterFace (Xu et al. 2020, arXiv:1911.03599) in ONNX Runtime, in two looks.

    The first look finds the faces: the photo is shrunk until its longest side is at most ``max_side``
    pixels, and never enlarged, so its cost is bounded whatever the photo's size. Small faces in a large
    group photo need a larger bound.

    The second look says where each exactly is: its surroundings (the box and ``MARGIN`` of it on every side)
    are brought to ``SECOND_LOOK`` pixels, so that the network sees every face at the same size. Box and
    landmarks then no longer depend on how large the face was in the photo, and neither does the vector.

    min_face: pixels of the photo; faces whose box has a shorter side below it are dropped.
    """

    session: onnxruntime.InferenceSession
    max_side: int = 320
    min_face: int = 16
    threshold: float = 0.5
    overlap: float = 0.3

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
        size = (_up_to_32(width * scale), _up_to_32(height * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        (found,) = self._look(np.asarray(small[np.newaxis], dtype=np.uint8))
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        faces = self._look_again(pixels, [face.moved(back, np.zeros(2)) for face in found])
        kept = [
            face
            for face in (face.clipped(width, height) for face in faces)
            if face.shorter_side >= self.min_face
        ]
        return sorted(_distinct(kept, self.overlap), key=lambda face: face.area, reverse=True)

    def _look_again(self, pixels: Pixels, faces: list[Detection]) -> list[Detection]:
        """Each face as the network sees it at its own scale; as it was, where nothing is seen there."""
        again = []
        for start in range(0, len(faces), SECOND_LOOK_BATCH):
            batch = faces[start : start + SECOND_LOOK_BATCH]
            windows = [_window(pixels, face) for face in batch]
            looks = self._look(np.stack([window.pixels for window in windows]))
            for face, window, look in zip(batch, windows, looks, strict=True):
                seen = min(look, key=_off_centre, default=None)
                if seen is None or _off_centre(seen) > SECOND_LOOK / 5:
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


def _window(pixels: Pixels, face: Detection) -> Window:
    """The face and its surroundings, SECOND_LOOK pixels a side, black outside of the photo."""
    x, y, width, height = face.box
    side = max(width, height) * (1 + 2 * MARGIN)
    origin = np.array([x + width / 2 - side / 2, y + height / 2 - side / 2])
    scale = SECOND_LOOK / side
    left, top = np.maximum(origin, 0).astype(int)
    part = pixels[top : int(origin[1] + side) + 2, left : int(origin[0] + side) + 2]
    part, part_scale = shrunk(part, scale)
    matrix = np.array(
        [
            [scale / part_scale[0], 0, (left - origin[0]) * scale],
            [0, scale / part_scale[1], (top - origin[1]) * scale],
        ]
    )
    square = cv2.warpAffine(part, matrix, (SECOND_LOOK, SECOND_LOOK), flags=cv2.INTER_LINEAR)
    return Window(square.astype(np.uint8, copy=False), scale, origin)


def shrunk(pixels: Pixels, scale: float) -> tuple[Pixels, tuple[float, float]]:
    """Pixels scaled down by areas, so that each counts, and by how much in x and y; as they are if ``scale``
    is 1 or more."""
    if scale >= 1:
        return pixels, (1.0, 1.0)
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return small, (size[0] / width, size[1] / height)


def _off_centre(face: Detection) -> float:
    x, y, width, height = face.box
    return float(np.hypot(x + width / 2 - SECOND_LOOK / 2, y + height / 2 - SECOND_LOOK / 2))


def _distinct(faces: list[Detection], overlap: float) -> list[Detection]:
    """Non-maximum suppression: of faces whose boxes overlap more, the surest stays."""
    if not faces:
        return []
    boxes, scores = [face.box for face in faces], [face.confidence for face in faces]
    return [faces[i] for i in np.asarray(cv2.dnn.NMSBoxes(boxes, scores, 0.0, overlap), dtype=int)]


def _up_to_32(pixels: float) -> int:
    return max(1, int(np.ceil(pixels / 32))) * 32
