"""Boxes that a person drew around faces, as they are sent."""

from __future__ import annotations

from math import isfinite

from ingest_service.errors import FaceServiceError

MOST = 20
"""Boxes of a photo: each is searched like a small photo of its own."""
SHORTEST_SIDE = 8
"""Pixels."""
ROUNDED = 1
"""Pixels by which a box may reach beyond the photo: an answer's are rounded."""

Box = tuple[float, float, float, float]
"""x, y, width, height."""


def read(given: object) -> list[Box]:
    """Boxes as they were sent; none of ``None``.

    Raises:
        FaceServiceError: ``bad_box``.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_box("is not a list")
    if len(given) > MOST:
        raise bad_box(f"has {len(given)} boxes, more than the {MOST} of a photo")
    return [_read(box, f"[{number}]") for number, box in enumerate(given)]


def _read(box: object, place: str) -> Box:
    names = ("x", "y", "width", "height")
    if not isinstance(box, dict) or box.keys() != set(names):
        raise bad_box("is not an object of x, y, width and height alone", place)
    sides = [box[name] for name in names]
    if not all(type(side) in (int, float) and 0 <= side < 2**31 and isfinite(side) for side in sides):
        raise bad_box("has a number that is no place in a photo", place)
    if min(sides[2:]) < SHORTEST_SIDE:
        raise bad_box(f"is less than {SHORTEST_SIDE} pixels wide or high", place)
    x, y, width, height = map(float, sides)
    return x, y, width, height


def bad_box(problem: str, place: str = "") -> FaceServiceError:
    """
    Args:
        problem: what follows the boxes' name, such as ``is not a list``.
        place: of the box among them, such as ``[0]``.
    """
    return FaceServiceError("bad_box", f"[boxes]{place} {problem}")
