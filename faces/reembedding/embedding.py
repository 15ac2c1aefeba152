"""Vectors of another model for the faces that a document has: their ids, boxes and labels stay.

The photo is looked at again, and each stored face gets the vector of the face that is found at its place. One
that isn't found there is embedded by its box, as one that a person drew. Without the photo the stored crop is
looked at, whose middle the face is.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError

from es_setup.connection import Service, ServiceRefused
from faces.boxes import SAME_FACE, overlap
from faces.erasure.subject import Place
from faces.explore.stored_faces import decoded
from faces.photo_vectors import with_retries
from faces.reembedding.photo_sources import PhotoSources
from ingest_service.drawn_boxes import MOST, SHORTEST_SIDE

CROP = "crop"
"""The source of a vector for which no photo was to be had."""
IN_CROP = 1.6
"""A crop's side, as a multiple of the longer side of its face's box: as the service cuts it."""
Box = dict[str, int]


@dataclass(frozen=True)
class Embedded:
    """
    vectors: position of a face -> its vector, of those that could be embedded.
    sources: how many vectors come from where: `document`, `file`, `url`, `crop`.
    """

    vectors: dict[int, list[float]] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Embedder:
    """
    service: that serves ``model``.
    """

    service: Service
    model: str
    sources: PhotoSources
    stopped: threading.Event = field(default_factory=threading.Event)

    def embed(self, place: Place, image: str, wanted: Sequence[int]) -> Embedded:
        """
        Args:
            place: a document; image: the full name of its field with a kept photo.
            wanted: positions of the faces that need a vector.

        Raises:
            ServiceRefused: the service serves another model, or refuses this key.
            ConnectionFailed: it can't be reached, or stays busy.
        """
        found = Embedded()
        if not wanted:
            return found
        photo = self.sources.photo(place, image)
        if photo:
            kind, data = photo
            found.vectors.update(self._in_photo(place, data, wanted))
            found.sources[kind] += len(found.vectors)
        for position in wanted:
            if position not in found.vectors and (vector := self._in_crop(place.faces[position])):
                found.vectors[position] = vector
                found.sources[CROP] += 1
        return found

    def _in_photo(self, place: Place, photo: bytes, wanted: Sequence[int]) -> dict[int, list[float]]:
        boxes: dict[int, Any] = {position: place.faces[position].get("box") for position in wanted}
        drawn = [box for at, box in boxes.items() if place.faces[at].get("drawn") is True and _is_box(box)]
        vectors = _matched(self._faces_at(photo, drawn[:MOST]), boxes)
        missing = {at: box for at, box in boxes.items() if at not in vectors and _is_box(box)}
        for start in range(0, len(missing), MOST):
            some = dict(list(missing.items())[start : start + MOST])
            vectors |= _matched(self._faces_at(photo, list(some.values())), some)
        return vectors

    def _in_crop(self, face: dict[str, Any]) -> list[float] | None:
        crop = decoded(face.get("crop"))
        box = _box_in(crop, face.get("box")) if crop else None
        if crop is None or box is None:
            return None
        found = _matched(self._faces_at(crop, [box]), {0: box}, least=0)
        return found.get(0)

    def _faces_at(self, photo: bytes, boxes: list[Box]) -> list[dict[str, Any]]:
        """All faces of a photo, those in the boxes too; none if it can't be read."""
        try:
            result = with_retries(
                lambda: self.service.faces_at(photo, boxes, self.model, in_bulk=True), self.stopped
            )
        except ServiceRefused as refused:
            if refused.status == 413:
                return []
            raise
        faces: list[dict[str, Any]] = result.get("faces", [])
        return faces


def _matched(
    found: Sequence[dict[str, Any]], boxes: dict[int, Any], least: float = SAME_FACE
) -> dict[int, list[float]]:
    """Position of a stored face -> vector of the found face at its place; each is taken once, those that
    overlap most first.

    Args:
        boxes: position of a stored face -> its box.
        least: intersection over union of the two.
    """
    pairs = sorted(
        (
            (overlap(box, face["box"]), at, number)
            for at, box in boxes.items()
            for number, face in enumerate(found)
        ),
        reverse=True,
    )
    taken: dict[int, int] = {}
    for share, at, number in pairs:
        if share >= least and share > 0 and at not in taken and number not in taken.values():
            taken[at] = number
    return {at: found[number]["vector"] for at, number in taken.items()}


def _box_in(crop: bytes, box: Any) -> Box | None:
    """Where a face is in its crop: in the middle. None if the crop can't be read."""
    try:
        with Image.open(io.BytesIO(crop)) as opened:
            side = min(opened.size)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    longer = side / IN_CROP
    ratio = (
        {name: box[name] / max(box["width"], box["height"]) for name in ("width", "height")}
        if _is_box(box)
        else {}
    )
    width, height = (max(SHORTEST_SIDE, round(longer * ratio.get(name, 1))) for name in ("width", "height"))
    if max(width, height) > side:
        return None
    return {"x": (side - width) // 2, "y": (side - height) // 2, "width": width, "height": height}


def _is_box(box: Any) -> bool:
    return (
        isinstance(box, dict)
        and all(isinstance(box.get(name), int | float) for name in ("x", "y", "width", "height"))
        and min(box["width"], box["height"]) >= SHORTEST_SIDE
    )
