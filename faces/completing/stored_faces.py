"""The faces that a document has by now: whether they are those of its photo, and which of them people drew.
The plugin's ``FaceProcessor`` and ``DrawnBoxes``, from outside of Elasticsearch.

Of a drawn face the box goes along with the very same photo, so that it is found again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from faces.completing.options import FaceOptions
from faces.completing.spelling import Fields, Source
from faces.decisions.adding import MOST_BYTES, DrawnBox
from ingest_service.data_uris import photo_bytes
from ingest_service.drawn_boxes import MOST, ROUNDED, SHORTEST_SIDE
from ingest_service.errors import FaceServiceError

SIDES = ("x", "y", "width", "height")


def stay(source: Source, options: FaceOptions) -> bool:
    """Whether a document has the faces of its photo, of the index's model, with their vectors: they stay."""
    fields = Fields(source, options.target)
    if options.override or options.model not in (None, fields.get("model.id")):
        return False
    faces = [{"vector": fields.get("vector")}] if options.single_face else _stored(source, options)
    return _all_have_vectors(faces) and are_of_photo(source, options)


def are_of_photo(source: Source, options: FaceOptions) -> bool:
    """Whether a document has faces, or none were found, and that is about the photo that it has now."""
    fields = Fields(source, options.target)
    if fields.get("model.id") is None or _stored(source, options) is None:
        return False
    sha256 = fields.get("file.hash.sha256")
    return sha256 is not None and sha256 == _sha256(Fields(source).get(options.field))


def drawn_boxes(source: Source, options: FaceOptions) -> list[DrawnBox]:
    """Those around faces that people drew in this very photo, as far as the service takes them: whoever may
    write into the index can have written them."""
    if options.single_face or not are_of_photo(source, options):
        return []
    fields = Fields(source, options.target)
    width, height = fields.get("photo.width"), fields.get("photo.height")
    if not (_is_integer(width) and _is_integer(height)):
        return []
    boxes = []
    for face in _stored(source, options) or []:
        box = face.get("box") if isinstance(face, dict) and face.get("drawn") is True else None
        if isinstance(box, dict) and _is_inside(box, width, height):
            boxes.append({side: box[side] for side in SIDES})
    return boxes[:MOST]


def _stored(source: Source, options: FaceOptions) -> list[Any] | None:
    """None if there are none. A synthetic ``_source`` has one face as an object, and leaves out an empty
    array."""
    fields = Fields(source, options.target)
    faces = fields.get("face" if options.single_face else "faces")
    if isinstance(faces, dict):
        return [faces]
    if options.single_face:
        return [{}] if isinstance(fields.get("vector"), list) else None
    if isinstance(faces, list):
        return faces
    return [] if faces is None and fields.get("face_count") == 0 else None


def _all_have_vectors(faces: list[Any] | None) -> bool:
    return faces is not None and all(
        isinstance(face, dict) and face.get("vector") is not None for face in faces
    )


def _sha256(photo: Any) -> str | None:
    """None of what is no photo."""
    if not isinstance(photo, str):
        return None
    try:
        return hashlib.sha256(photo_bytes(photo, MOST_BYTES)).hexdigest()
    except FaceServiceError:
        return None


def _is_inside(box: dict[str, Any], width: int, height: int) -> bool:
    if not all(_is_integer(box.get(side)) for side in SIDES):
        return False
    left, top, right, bottom = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
    is_large = min(right - left, bottom - top) >= SHORTEST_SIDE
    return bool(is_large and min(left, top) >= 0 and right <= width + ROUNDED and bottom <= height + ROUNDED)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
