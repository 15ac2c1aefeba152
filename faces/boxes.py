"""Where a face is on its photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SAME_FACE = 0.5
"""Least intersection over union of two boxes of one face, as for the service and the plugin."""


@dataclass(frozen=True)
class Box:
    """In pixels of the upright photo, or as shares of its sides."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def of(cls, stored: object) -> Box | None:
        """From a stored ``box``; None without one."""
        if not isinstance(stored, dict):
            return None
        try:
            return cls(*(float(stored[side]) for side in ("x", "y", "width", "height")))
        except (KeyError, TypeError, ValueError):
            return None

    def scaled(self, by_x: float, by_y: float) -> Box:
        return Box(self.x * by_x, self.y * by_y, self.width * by_x, self.height * by_y)

    def moved(self, x: float, y: float) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, across) * max(0.0, down)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0


def overlap(one: object, other: object) -> float:
    """Of two stored boxes: intersection over union, 0 to 1; 0 if one is unknown."""
    boxes = Box.of(one), Box.of(other)
    return boxes[0].overlap(boxes[1]) if boxes[0] and boxes[1] else 0.0


def in_words(box: Mapping[str, Any]) -> str:
    """
    Args:
        box: ``x``, ``y``, ``width`` and ``height`` in pixels of the upright photo.
    """
    return f"{box['width']} x {box['height']} pixels at {box['x']}, {box['y']}"
