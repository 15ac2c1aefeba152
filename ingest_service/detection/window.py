"""A part of a photo at the size and in the direction in which a face is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest_service.detection.face import Detection
from ingest_service.detection.scaling import Pixels, shrunk


@dataclass(frozen=True)
class Window:
    """
    pixels: black outside of the photo.
    scale: window pixels a photo pixel.
    origin: the window's corner, in the photo as it is turned for the face.
    quarter_turns: of the photo, as ``Detection`` has them.
    photo_size: width and height, as the photo was.
    """

    pixels: Pixels
    scale: float
    origin: NDArray[np.float64]
    quarter_turns: int
    photo_size: tuple[int, int]

    @classmethod
    def around(cls, photo: Pixels, face: Detection, size: tuple[int, int], margin: float) -> Window:
        """The face, upright, with ``margin`` of its box on every side; ``size``: width and height."""
        photo_size = (photo.shape[1], photo.shape[0])
        upright = face.turned(face.quarter_turns, *photo_size)
        pixels = np.rot90(photo, face.quarter_turns)  # a view
        _, _, width, height = upright.box
        scale = min(size[0] / width, size[1] / height) / (1 + 2 * margin)
        columns, rows = size[0] / scale, size[1] / scale
        origin = upright.centre - np.array([columns, rows]) / 2
        left, top = np.maximum(origin, 0).astype(int)
        part = pixels[top : int(origin[1] + rows) + 2, left : int(origin[0] + columns) + 2]
        # Turned once it is small: until then it's a view.
        small, part_scale = shrunk(np.rot90(part, -face.quarter_turns), scale)
        part = np.ascontiguousarray(np.rot90(small, face.quarter_turns))
        if face.quarter_turns % 2:
            part_scale = part_scale[::-1]
        matrix = np.array(
            [
                [scale / part_scale[0], 0, (left - origin[0]) * scale],
                [0, scale / part_scale[1], (top - origin[1]) * scale],
            ]
        )
        seen = cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR)
        return cls(seen.astype(np.uint8, copy=False), scale, origin, face.quarter_turns, photo_size)

    def in_photo(self, seen: Detection) -> Detection:
        """A face of the window, in the photo's coordinates."""
        width, height = self.photo_size if self.quarter_turns % 2 == 0 else self.photo_size[::-1]
        return seen.moved(1 / self.scale, self.origin).turned(-self.quarter_turns, width, height)

    def has_at_its_centre(self, seen: Detection) -> bool:
        """Whether the face's centre is within a fifth of the window's shorter side."""
        height, width = self.pixels.shape[:2]
        away = float(np.hypot(*(seen.centre - np.array([width, height]) / 2)))
        return away <= min(width, height) / 5
