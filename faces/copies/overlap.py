"""Whether two photos show the same pixels where they overlap, by their thumbnails."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faces.copies.placement import Placement

SIDE = 96
"""Pixels of the longer side in which pictures are compared: differences of quality disappear."""
LARGEST = 1_024
"""Pixels of a stored thumbnail's side: ours have at most 200, others may have any."""
LEAST_SIDE = 12
"""Pixels of an overlap's side."""
STEPS = (0.04, 0.02, 0.01, 0.005)
"""By which a placement is moved and scaled to fit better, as shares of the picture: by landmarks it is right
within a few percent."""
MOVES = 3
"""With each step, at most."""
HOPELESS = 0.7
"""Below this correlation after the first step, pictures aren't looked at more closely: the sample's copies
have at least 0.78 by then."""


@dataclass(frozen=True)
class Miniature:
    """A photo in grey, at most ``SIDE`` pixels a side.

    size: width and height of the upright photo in pixels.
    """

    image: Image.Image
    size: tuple[int, int]

    @classmethod
    def of(cls, thumbnail: str | None, width: int, height: int) -> Miniature | None:
        """
        Args:
            thumbnail: base64 JPEG.

        Returns:
            None if there is no such picture.
        """
        if not thumbnail or not width or not height:
            return None
        try:
            data = base64.b64decode(thumbnail, validate=True)
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
                if max(opened.size) > LARGEST:
                    return None
                grey = opened.convert("L")
        except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        grey.thumbnail((SIDE, SIDE))
        return cls(grey, (width, height))

    @property
    def scale(self) -> NDArray[np.float64]:
        """(2,): pixels of the miniature in one of the photo, across and down."""
        scale: NDArray[np.float64] = np.array(self.image.size) / np.array(self.size)
        return scale


@dataclass(frozen=True)
class Overlap:
    """correlation: of the pixels that both photos show, -1 to 1; 0 if they overlap in almost nothing."""

    placement: Placement
    correlation: float


def overlap(one: Miniature, other: Miniature, start: Placement) -> Overlap:
    """The placement near ``start`` at which the pictures agree most."""
    best = Overlap(start, correlation(one, other, start))
    for step in STEPS:
        for _ in range(MOVES):
            moved = _moved(best.placement, other.size, step)
            tried = [Overlap(placement, correlation(one, other, placement)) for placement in moved]
            found = max(tried, key=lambda each: each.correlation)
            if found.correlation <= best.correlation:
                break
            best = found
        if best.correlation < HOPELESS:
            break
    return best


def correlation(one: Miniature, other: Miniature, placement: Placement) -> float:
    """Pearson's, of the grey values where the photos overlap."""
    # From pixels of one miniature to those of the other.
    scale = placement.scale * other.scale / one.scale
    shift = np.array([placement.right, placement.down]) * other.scale
    first = np.ceil(np.maximum(0, -shift / scale)).astype(int)
    last = np.floor(np.minimum(one.image.size, (np.array(other.image.size) - shift) / scale)).astype(int)
    if (last - first < LEAST_SIDE).any():
        return 0.0
    width, height = (last - first).tolist()
    from_x, from_y = (scale * first + shift).tolist()
    matrix = (scale[0], 0, from_x, 0, scale[1], from_y)
    theirs = other.image.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    ours = one.image.crop((*first.tolist(), *last.tolist()))
    return _correlation(np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64))


def _correlation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    lengths = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return float((ours * theirs).sum()) / lengths if lengths > 0 else 0.0


def _moved(placement: Placement, size: tuple[int, int], step: float) -> list[Placement]:
    """The placement a step to each side, and larger and smaller about the other photo's middle."""
    middle, now = np.array(size) / 2, np.array([placement.right, placement.down])
    moves = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    shifts = [(1.0, now + step * np.array(move) * size) for move in moves]
    sizes = [(factor, factor * (now - middle) + middle) for factor in (1 + step, 1 / (1 + step))]
    return [Placement(placement.scale * factor, *shift.tolist()) for factor, shift in (*shifts, *sizes)]
