"""Where one photo lies on another: a scale and a shift, as between a picture and what was cut out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(n, 2): x and y in pixels."""


@dataclass(frozen=True)
class Placement:
    """A point at (x, y) of one photo is at scale * (x, y) + (right, down) of the other, both in pixels."""

    scale: float
    right: float
    down: float

    def of(self, points: Points) -> Points:
        """(n, 2) of the one photo to (n, 2) of the other."""
        placed: Points = self.scale * points + np.array([self.right, self.down])
        return placed

    def shared(self, size: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
        """The part of each photo that is on the other, as shares of their areas, 0 to 1.

        Args:
            size, other: width and height of the photos.
        """
        (left, top), (right, bottom) = self.of(np.array([[0, 0], size], dtype=np.float64))
        across = max(0.0, min(right, other[0]) - max(left, 0))
        down = max(0.0, min(bottom, other[1]) - max(top, 0))
        area = float(across * down)
        return area / float((right - left) * (bottom - top)), area / (other[0] * other[1])


@dataclass(frozen=True)
class Fit:
    """misfit: of the worst face, how far its points are from where the placement expects them (root mean
    square), as a share of how far they are from their own middle."""

    placement: Placement
    misfit: float


def fitted(faces: Sequence[Points], others: Sequence[Points]) -> Fit | None:
    """The placement that fits best, by least squares.

    Args:
        faces, others: each a face's points in the one photo, and the same ones in the other.

    Returns:
        None if there is none: the points of a photo coincide, or are mirrored.
    """
    points, targets = np.concatenate(faces), np.concatenate(others)
    middle, goal = points.mean(axis=0), targets.mean(axis=0)
    spread = float(((points - middle) ** 2).sum())
    scale = float(((points - middle) * (targets - goal)).sum()) / spread if spread > 0 else 0.0
    if scale <= 0:
        return None
    right, down = (goal - scale * middle).tolist()
    placement = Placement(scale, right, down)
    return Fit(placement, max(_misfit(placement, *pair) for pair in zip(faces, others, strict=True)))


def _misfit(placement: Placement, points: Points, targets: Points) -> float:
    size = float(((targets - targets.mean(axis=0)) ** 2).sum())
    off = float(((placement.of(points) - targets) ** 2).sum())
    return float(np.sqrt(off / size)) if size > 0 else np.inf
