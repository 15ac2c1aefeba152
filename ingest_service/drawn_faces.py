"""Faces whose boxes a person drew, where the detector missed them."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np

from ingest_service.decoding import Photo
from ingest_service.detection import Detection, Pixels, shrunk
from ingest_service.drawn_boxes import ROUNDED, Box, bad_box
from ingest_service.five_points import INSIGHTFACE
from ingest_service.model import FoundFace, Profile

SURROUNDINGS = 2.0
"""Times the box's width and height that are searched: a person draws more or less than a detector."""
SEARCHED_SIDE = 640
"""Pixels of the longer side that is searched: a face half as large as its surroundings has twice what the
network takes."""
SAME_FACE = 0.5
"""Least intersection over union of two boxes of one face, as in the plugin's ``Boxes``."""
FACE_OF_BOX = 0.3
"""Of a face that the detector finds and the box that was drawn around it, perhaps twice as large."""


def places(photo: Photo, boxes: list[Box]) -> list[Detection]:
    """The boxes in ``photo.pixels``, as faces whose landmarks are where faces have them on average.

    Args:
        boxes: in pixels of the file's upright picture.

    Raises:
        FaceServiceError: ``bad_box``: one isn't inside the photo.
    """
    for number, (x, y, width, height) in enumerate(boxes):
        if x + width > photo.width + ROUNDED or y + height > photo.height + ROUNDED:
            size = f"{photo.width} x {photo.height}"
            raise bad_box(f"reaches beyond the upright photo of {size} pixels", f"[{number}]")
    rows, columns = photo.pixels.shape[:2]
    scaled = (tuple(side / photo.shrink for side in box) for box in boxes)
    return [_face((x, y, w, h)).clipped(columns, rows) for x, y, w, h in scaled]


def _face(box: Box) -> Detection:
    left, top, width, height = INSIGHTFACE.box
    shares = (np.array(INSIGHTFACE.points) + 0.5 - (left, top)) / (width, height)
    landmarks = shares * box[2:] + box[:2]
    return Detection(box, 0.0, landmarks.astype(np.float32))


def find(
    profile: Profile, pixels: Pixels, drawn: list[Detection], detected: list[FoundFace]
) -> list[FoundFace]:
    """The faces in the drawn boxes, in order, without those that were detected, or drawn, already.

    Each is the one that the detector finds there, looking at the box's surroundings alone: so it may be one
    that it misses in the whole photo. It keeps the drawn box, so that the same box gives the same face again.
    Where the detector finds none there, its confidence is 0 and its landmarks are those of ``drawn``.

    Args:
        drawn: as `places` has them.
        detected: the other faces of the photo.
    """
    known = [face.detection for face in detected]
    found = []
    for place in drawn:
        if _is_among(place, known):
            continue
        face = _found_at(profile, pixels, place)
        if not _is_among(face.detection, known):
            known += [place, face.detection]
            found.append(replace(face, detection=replace(face.detection, box=place.box)))
    return found


def _is_among(face: Detection, known: list[Detection]) -> bool:
    return any(face.overlap(other) >= SAME_FACE for other in known)


def _found_at(profile: Profile, pixels: Pixels, place: Detection) -> FoundFace:
    around = place.widened(SURROUNDINGS).clipped(pixels.shape[1], pixels.shape[0])
    left, top = int(around.box[0]), int(around.box[1])
    right, bottom = ceil(around.box[0] + around.box[2]), ceil(around.box[1] + around.box[3])
    part, scale = shrunk(pixels[top:bottom, left:right], SEARCHED_SIDE / max(right - left, bottom - top))
    seen = [
        replace(face, detection=face.detection.moved(1 / np.array(scale), np.array([left, top])))
        for face in profile.find(np.ascontiguousarray(part))
    ]
    closest = max(seen, key=lambda face: face.detection.overlap(place), default=None)
    if closest is None or closest.detection.overlap(place) < FACE_OF_BOX:
        return profile.prepare(pixels, place)
    return closest
