"""What people said about a photo's faces outlives them: the plugin's ``Decisions``, from outside of
Elasticsearch.

A face that is found now gets what was said about the face at its place, in the same photo or in another one.
The rest waits in ``unplaced`` until a later photo has a face there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faces.boxes import SAME_FACE, overlap

MADE = {
    "id",
    "vector",
    "box",
    "confidence",
    "quality",
    "landmarks",
    "crop",
    "drawn",
    "match",
    "candidates",
    "best_similarity",
    "group",
}
"""The fields of a face that people don't give."""

Face = dict[str, Any]


@dataclass(frozen=True, eq=False)
class EarlierFace:
    """
    box: as shares of its photo's sides; None if unknown.
    said: what people said about it: ``label``, ``not``, ``ignored``, and fields of their own.
    """

    id: Any
    box: Any
    said: Face

    @classmethod
    def of(cls, face: Face, box: Any) -> EarlierFace:
        said = {
            key: value
            for key, value in face.items()
            if value is not None and key.partition(".")[0] not in MADE
        }
        return cls(face.get("id"), box, said)

    def waiting(self) -> Face:
        """As an entry of ``unplaced``."""
        known = {"id": self.id, "box": self.box}
        return {name: value for name, value in known.items() if value is not None} | self.said


class Placing:
    """
    Args:
        faces: the stored ones, each with its names in one form.
        size: ``width`` and ``height`` of the photo that they were found in, in pixels; None where unknown.
        unplaced: the stored field.
    """

    def __init__(self, faces: Sequence[Face], size: Face, unplaced: Sequence[Face]) -> None:
        self._faces = [EarlierFace.of(face, relative(face.get("box"), size)) for face in faces]
        self._unplaced = [EarlierFace.of(face, face.get("box")) for face in unplaced]

    def place(self, found: Sequence[Face], size: Face, prefix: str, same_photo: bool) -> list[Face]:
        """For each face that was found the fields that it keeps.

        Args:
            found: with their ``box`` in pixels; size: of their photo.
            prefix: how the ids of this photo's faces begin.
            same_photo: whether the stored faces are of this very photo: then a face keeps its id, too.
        """
        boxes = [relative(face.get("box"), size) for face in found]
        kept: list[Face] = [{} for _ in found]
        for position, earlier in _pairs(boxes, self._faces):
            if same_photo and isinstance(earlier.id, str) and earlier.id.startswith(f"{prefix}-"):
                kept[position]["id"] = earlier.id
            kept[position] |= earlier.said
            self._faces.remove(earlier)
        for position, earlier in _pairs(boxes, self._unplaced):
            if kept[position].keys() <= MADE:
                kept[position] |= earlier.said
                self._unplaced.remove(earlier)
        return kept

    def unplaced(self) -> list[Face]:
        """What was said about faces that have no place now."""
        return [earlier.waiting() for earlier in (*self._unplaced, *self._faces) if earlier.said]


def relative(box: Any, size: Face) -> Face | None:
    """A box as shares of its photo's sides, to a hundredth of a pixel in a photo of 10,000 pixels a side;
    None if either is unknown."""
    width, height = (_number(size.get(side)) for side in ("width", "height"))
    if not isinstance(box, dict) or width <= 0 or height <= 0:
        return None
    sides = {"x": width, "y": height, "width": width, "height": height}
    return {name: math.floor(_number(box.get(name)) / side * 1e6 + 0.5) / 1e6 for name, side in sides.items()}


def _pairs(boxes: Sequence[Any], before: Sequence[EarlierFace]) -> list[tuple[int, EarlierFace]]:
    """Each new face with the earlier one that overlaps it by half, each in one pair, the largest overlap
    first."""
    overlaps = [
        (overlap(box, earlier.box), position, earlier)
        for position, box in enumerate(boxes)
        for earlier in before
    ]
    overlaps = [one for one in overlaps if one[0] >= SAME_FACE]
    pairs: list[tuple[int, EarlierFace]] = []
    for _, position, earlier in sorted(overlaps, key=lambda one: -one[0]):
        if all(position != other and earlier is not taken for other, taken in pairs):
            pairs.append((position, earlier))
    return pairs


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
