"""Small faces in large photos: a larger copy of the photo, searched in overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ingest_service.detection.face import Detection
from ingest_service.detection.heat_map import STEP, in_steps
from ingest_service.detection.scaling import Pixels, halved_once

SMALLEST = 40
"""Pixels of the photo: the height of a face that should be found."""
SEEN = 12
"""Pixels of the copy: a face of this height is found, nine times in ten."""
SURELY_SEEN = 16
"""Pixels of the copy: a face of this height is hardly ever missed."""
MOST_PIXELS = 1_100_000
"""Of the larger copy, whatever the photo's size: 12 megapixels at the scale that ``SMALLEST`` needs."""
TILE_PIXELS = 350_000
"""At most: the network takes 60 MB for it."""
MOST_OVERLAP = 320
"""Pixels of the copy that neighbours share, at most: far less than a tile has."""
PORTRAIT = 1 / 6
"""Of the photo's longer side: a photo with a face as large is one of a person, and isn't searched further,
unless there is a hint of others."""
HINT = 0.08
"""Heat map value in the small copy: faces of 80 pixels in 12 megapixels have it, and one in eight portraits
has it somewhere without one."""
HINT_SIDE = 24
"""Pixels of the copy: a larger face would have been found."""
AROUND = 0.3
"""Of a face's box, on every side: hair, ears and collars give hints too."""


@dataclass(frozen=True)
class Tiles:
    """
    scale: pixels of the copy for each of the photo's; at most.
    size: of the copy, width and height.
    overlap: pixels of the copy that neighbours share: a face that isn't wider or higher is whole in one.
    """

    scale: float
    size: tuple[int, int]
    overlap: int

    @classmethod
    def of(cls, width: int, height: int, searched: float) -> Tiles | None:
        """For a photo of this size, that was searched at the scale ``searched``; None if that was enough."""
        if searched * SMALLEST >= SEEN:
            return None
        scale = min(SEEN / SMALLEST, (MOST_PIXELS / (width * height)) ** 0.5)
        # A side has no less than one step.
        scale = min(scale, MOST_PIXELS / STEP / max(width, height))
        size = in_steps(width * scale, height * scale)
        seen_before = SURELY_SEEN / searched * scale
        return cls(scale, size, min(_up_to_steps(seen_before), MOST_OVERLAP, *size))

    def corners(self) -> tuple[list[tuple[int, int]], tuple[int, int]]:
        """Left and top of each tile, and the size that all have."""
        counts = [1, 1]
        while (tile := self._tile(counts))[0] * tile[1] > TILE_PIXELS:
            counts[0 if tile[0] >= tile[1] else 1] += 1
        lefts, tops = (
            np.linspace(0, side - of_tile, count).astype(int).tolist()
            for side, of_tile, count in zip(self.size, tile, counts, strict=True)
        )
        return [(left, top) for top in tops for left in lefts], tile

    def cut(self, photo: Pixels) -> Iterator[tuple[Pixels, tuple[int, int]]]:
        """Each tile of the copy, and its left and top."""
        while photo.shape[1] >= 2 * self.size[0] and photo.shape[0] >= 2 * self.size[1]:
            photo = halved_once(photo)
        copy = cv2.resize(photo, self.size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        corners, (width, height) = self.corners()
        for left, top in corners:
            yield copy[top : top + height, left : left + width], (left, top)

    def _tile(self, counts: list[int]) -> tuple[int, int]:
        across, down = (
            min(side, _up_to_steps((side + (count - 1) * self.overlap) / count))
            for side, count in zip(self.size, counts, strict=True)
        )
        return across, down


def is_portrait(
    faces: list[Detection], hints: list[Detection], width: int, height: int, searched: float
) -> bool:
    """Whether a photo shows a person from near, and nobody from so far that others may have been missed.

    Args:
        hints: what the small copy has that might be a face, however unlikely.
        width, height: of the photo.
        searched: pixels of the copy for each of the photo's.
    """
    sizes = [face.longer_side for face in faces]
    if not sizes or max(sizes) < PORTRAIT * max(width, height) or min(sizes) * searched < SURELY_SEEN:
        return False
    known = [face.widened(1 + 2 * AROUND) for face in faces]
    return not any(
        hint.longer_side * searched < HINT_SIDE and not any(face.contains(hint.centre) for face in known)
        for hint in hints
    )


def _up_to_steps(length: float) -> int:
    return int(np.ceil(length / STEP)) * STEP
