"""CenterFace's network: pictures in, the faces that it sees in each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest_service.detection.face import Detection
from ingest_service.detection.scaling import Pixels
from ingest_service.networks import Network

CELL = 4
"""Pixels a side of the picture for each value of the heat map."""
STEP = 32
"""Pixels of which a picture's sides must be multiples, since the network halves them five times."""


@dataclass(frozen=True)
class HeatMaps:
    """What the network says of several pictures of one size.

    heat: (n, 1, rows, columns), 0 to 1: how surely a face's centre is there.
    size, offset: (n, 2, rows, columns), of the box: logarithm in cells; its centre's place in the cell.
    points: (n, 10, rows, columns): landmarks, in parts of the box.
    """

    heat: NDArray[np.float32]
    size: NDArray[np.float32]
    offset: NDArray[np.float32]
    points: NDArray[np.float32]

    @classmethod
    def of(cls, network: Network, pictures: Pixels) -> HeatMaps:
        """
        Args:
            pictures: (n, height, width, 3).
        """
        return cls(*network.run(pictures.transpose(0, 3, 1, 2).astype(np.float32)))

    def faces(self, candidate: float, overlap: float) -> list[list[Detection]]:
        """Each picture's, in its pixels, where the heat is above ``candidate``; see ``distinct``."""
        return [self._faces(number, candidate, overlap) for number in range(len(self.heat))]

    def _faces(self, number: int, candidate: float, overlap: float) -> list[Detection]:
        heat = self.heat[number, 0]
        rows, columns = np.where(heat > candidate)
        if rows.size == 0:
            return []
        scores = heat[rows, columns]
        box_h, box_w = np.exp(self.size[number][:, rows, columns]) * CELL
        from_top, from_left = self.offset[number][:, rows, columns]
        top = (rows + from_top + 0.5) * CELL - box_h / 2
        left = (columns + from_left + 0.5) * CELL - box_w / 2
        boxes = np.stack([left, top, box_w, box_h], axis=1)
        kept = _suppress(boxes.tolist(), scores.tolist(), overlap)
        # The network's order is right eye, left eye, nose, right and left corner of the mouth; y before x.
        points = self.points[number][:, rows[kept], columns[kept]].T
        marks = points.reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3], ::-1]
        marks = marks * boxes[kept, np.newaxis, 2:] + boxes[kept, np.newaxis, :2]
        return [
            Detection((x, y, width, height), float(score), of_face)
            for (x, y, width, height), score, of_face in zip(
                boxes[kept].tolist(), scores[kept], marks.astype(np.float32), strict=True
            )
        ]


def distinct(faces: list[Detection], overlap: float) -> list[Detection]:
    """Non-maximum suppression: of faces whose boxes overlap by more, the surest stays. The surest first."""
    kept = _suppress([face.box for face in faces], [face.confidence for face in faces], overlap)
    return [faces[i] for i in kept]


def _suppress(boxes: Sequence[Any], scores: Sequence[float], overlap: float) -> list[int]:
    """Which of the boxes stay, the surest first."""
    return [int(i) for i in cv2.dnn.NMSBoxes(boxes, scores, 0.0, overlap)] if boxes else []


def in_steps(width: float, height: float) -> tuple[int, int]:
    """The nearest size that a picture may have, width and height."""
    return max(1, round(width / STEP)) * STEP, max(1, round(height / STEP)) * STEP
