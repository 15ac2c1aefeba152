"""A face in a photo, and what finds faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest_service.detection.scaling import Pixels

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left and right are the person's own, as in DeepFace: in a frontal photo ``left_eye`` has the larger x."""


@dataclass(frozen=True)
class Detection:
    """One face.

    box: x, y, width, height in pixels of the upright photo, clipped to it.
    confidence: the network's heat map at the face's centre, 0 to 1; of two looks, the surer one's.
    landmarks: (5, 2) x and y in pixels, in the order of ``LANDMARKS``; nan where unknown.
    quarter_turns: by how many quarters the photo must be turned, counter-clockwise as by ``numpy.rot90``, for
        the face to be upright: 0 to 3.
    of_portrait: the photo shows people from near, and nothing in it looks like a small face further off.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: NDArray[np.float32]
    quarter_turns: int = 0
    of_portrait: bool = False

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

    @property
    def longer_side(self) -> float:
        return max(self.box[2], self.box[3])

    @property
    def upright_size(self) -> tuple[float, float]:
        """The box's width and height for the person upright: those of a sideways face change places."""
        _, _, width, height = self.box
        return (height, width) if self.quarter_turns % 2 else (width, height)

    def contains(self, point: NDArray[np.float64]) -> bool:
        """Whether a point, x and y, lies in its box."""
        x, y, width, height = self.box
        return bool(x <= point[0] <= x + width and y <= point[1] <= y + height)

    def overlap(self, other: Detection) -> float:
        """Of both boxes: intersection over union, 0 to 1."""
        common = 1.0
        for axis in (0, 1):
            start = max(self.box[axis], other.box[axis])
            end = min(self.box[axis] + self.box[axis + 2], other.box[axis] + other.box[axis + 2])
            common *= max(0.0, end - start)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0

    def moved(self, scale: NDArray[Any] | float, origin: NDArray[Any] | float = 0.0) -> Detection:
        """In other coordinates: times ``scale`` (x and y, or both), then plus ``origin``."""
        corner = np.array(self.box[:2]) * scale + origin
        size = np.array(self.box[2:]) * scale
        box = (float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))
        return replace(self, box=box, landmarks=(self.landmarks * scale + origin).astype(np.float32))

    def turned(self, quarters: int, width: float, height: float) -> Detection:
        """In the coordinates of ``numpy.rot90(photo, quarters)``.

        Args:
            width, height: of the photo, before it is turned.
        """
        (x, y, across, down), landmarks = self.box, self.landmarks
        for _ in range(quarters % 4):
            x, y, across, down = y, width - x - across, down, across
            landmarks = np.stack([landmarks[:, 1], width - landmarks[:, 0]], axis=1)
            width, height = height, width
        left = (self.quarter_turns - quarters) % 4
        return replace(self, box=(x, y, across, down), landmarks=landmarks, quarter_turns=left)

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
