"""Where the faces are: CenterFace's network on a bounded copy of the photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A photo: (height, width, 3), RGB, upright."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left and right are the person's own, as in DeepFace: in a frontal photo ``left_eye`` has the larger x."""


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


@dataclass(frozen=True)
class CenterFace:
    """CenterFace (Xu et al. 2020, arXiv:1911.03599) in ONNX Runtime.

    The photo is shrunk until its longest side is at most ``max_side`` pixels, and never enlarged: the
    cost of a detection is bounded whatever the photo's size, and faces of a fair size are found more
    surely than at full size. Small faces in a large group photo need a larger bound.
    """

    session: onnxruntime.InferenceSession
    max_side: int = 320
    threshold: float = 0.5
    overlap: float = 0.3

    @classmethod
    def load(cls, path: Path, max_side: int, options: onnxruntime.SessionOptions) -> CenterFace:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return cls(session, max_side)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""
        height, width = pixels.shape[:2]
        scale = min(1.0, self.max_side / max(height, width))
        # The network halves its input five times, so both sides are multiples of 32.
        network_size = (_up_to_32(width * scale), _up_to_32(height * scale))
        small = cv2.resize(pixels, network_size, interpolation=cv2.INTER_AREA)
        image = small.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: image})
        scale_back = np.array([width / network_size[0], height / network_size[1]], dtype=np.float32)
        return self._decode(outputs, scale_back, (width, height))

    def _decode(
        self, outputs: list[NDArray[np.float32]], scale: NDArray[np.float32], bounds: tuple[int, int]
    ) -> list[Detection]:
        """Heat map, box sizes (log, in cells of 4 pixels), centre offsets and landmarks -> detections."""
        heat, size, offset, points = outputs[0][0, 0], outputs[1][0], outputs[2][0], outputs[3][0]
        rows, columns = np.where(heat > self.threshold)
        if rows.size == 0:
            return []
        scores = heat[rows, columns]
        box_h, box_w = np.exp(size[:, rows, columns]) * 4
        top = (rows + offset[0, rows, columns] + 0.5) * 4 - box_h / 2
        left = (columns + offset[1, rows, columns] + 0.5) * 4 - box_w / 2
        boxes = np.stack([left, top, box_w, box_h], axis=1)
        kept = np.asarray(
            cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.threshold, self.overlap), dtype=int
        )
        # The network's order is right eye, left eye, nose, right and left corner of the mouth.
        order = [1, 0, 2, 4, 3]
        marks = points[:, rows, columns].reshape(5, 2, -1)[order]
        marks_x = marks[:, 1] * box_w + left
        marks_y = marks[:, 0] * box_h + top
        found = []
        for i in kept:
            corner = np.clip(boxes[i, :2] * scale, 0, bounds)
            far = np.clip((boxes[i, :2] + boxes[i, 2:]) * scale, 0, bounds)
            landmarks = np.stack([marks_x[:, i], marks_y[:, i]], axis=1) * scale
            width, height = far - corner
            if width >= 1 and height >= 1:
                box = (float(corner[0]), float(corner[1]), float(width), float(height))
                found.append(Detection(box, float(scores[i]), landmarks.astype(np.float32)))
        return sorted(found, key=lambda face: face.area, reverse=True)


def _up_to_32(pixels: float) -> int:
    return max(1, int(np.ceil(pixels / 32))) * 32
