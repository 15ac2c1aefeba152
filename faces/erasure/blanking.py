"""A document without the faces and names that are forgotten; everything else stays as it is."""

from __future__ import annotations

import base64
import copy
import hashlib
from typing import Any

from faces.boxes import SAME_FACE, Box
from faces.decisions.documents import face_id
from faces.erasure.fields import Source, get, names_in, put, without_name
from faces.erasure.pixels import blacken_crop, blacken_photo
from faces.erasure.subject import Place, Treatment, listed, names_waiting

SAYS_NAMES = ("person.name", "person.sent_name")


def blanked(place: Place, treatment: Treatment, name: str | None, image: str) -> Source:
    """The source to store. Numbers that follow from the faces are left to the caller.

    Args:
        image: the full name of the field with a kept photo.

    Raises:
        NotAPicture: a stored picture can't be decoded, so that its pixels can't be blackened.
    """
    source = copy.deepcopy(place.source)
    if treatment.faces:
        _blacken(source, place, treatment, image)
        entries = _entries(source, place)
        _put_faces(source, place, [one for at, one in enumerate(entries) if at not in treatment.faces])
    if name:
        for field in (*SAYS_NAMES, *(map(place.field.at, SAYS_NAMES) if place.field.target else ())):
            put(source, field, without_name(get(source, field), name))
        for face in _entries(source, place):
            _forget_in(face, name)
        _forget_waiting(source, place, name)
    return source


def image_hash(image: str) -> str:
    """SHA-256 in hex of the bytes of a photo in base64 or a ``data:`` URI."""
    return hashlib.sha256(base64.b64decode(image.rpartition(",")[2])).hexdigest()


def relative_boxes(place: Place, faces: tuple[int, ...]) -> list[Box]:
    """Where faces are, as shares of the photo's width and height; those without a box are left out."""
    size = _size(place)
    boxes = [Box.of(place.faces[position].get("box")) for position in faces]
    return [box.scaled(1 / size[0], 1 / size[1]) for box in boxes if box and size]


def faces_at(place: Place, boxes: list[Box]) -> frozenset[str]:
    """The ids of the faces that overlap one of these relative boxes by half, as labels follow a face."""
    size = _size(place)
    if not size:
        return frozenset()
    found = set()
    for position, face in enumerate(place.faces):
        own = Box.of(face.get("box"))
        relative = own and own.scaled(1 / size[0], 1 / size[1])
        if relative and any(relative.overlap(box) >= SAME_FACE for box in boxes):
            found.add(face_id(face, position))
    return frozenset(found)


def _blacken(source: Source, place: Place, treatment: Treatment, image: str) -> None:
    boxes = [Box.of(face.get("box")) for face in place.faces]
    gone = [box for at, box in enumerate(boxes) if box and at in treatment.faces]
    stay = [box for at, box in enumerate(boxes) if box and at not in treatment.faces]
    size = _size(place)
    if len(gone) < len(treatment.faces) or not size:
        # Without the place of each no pixel can be told from another's: the pictures go, crops of others too.
        for field in (place.field.at("thumbnail"), image):
            put(source, field, None)
        for face in _entries(source, place):
            put(face, "crop", None)
        return
    thumbnail = place.at("thumbnail")
    if isinstance(thumbnail, str):
        put(source, place.field.at("thumbnail"), blacken_photo(thumbnail, size, gone, stay))
    for position, face in enumerate(_entries(source, place)):
        box, crop = boxes[position], face.get("crop")
        if position not in treatment.faces and box and isinstance(crop, str):
            face["crop"] = blacken_crop(crop, box, gone)
    photo = get(source, image)
    if isinstance(photo, str):
        _replace_photo(source, place, image, blacken_photo(photo, size, gone, stay))


def _replace_photo(source: Source, place: Place, image: str, photo: str) -> None:
    """With its hash: by it the processor knows that the stored faces are of this very photo."""
    put(source, image, photo)
    put(source, place.field.at("file.hash.sha256"), image_hash(photo))
    size = len(base64.b64decode(photo.rpartition(",")[2]))
    if place.at("file.size") is not None:
        put(source, place.field.at("file.size"), size)
    put(source, "file.picture_hash", None)


def _size(place: Place) -> tuple[int, int] | None:
    width, height = place.at("photo.width"), place.at("photo.height")
    return (int(width), int(height)) if width and height else None


def _entries(source: Source, place: Place) -> list[dict[str, Any]]:
    """The faces as they stand in ``source``, to be changed."""
    return listed(get(source, place.field.at("faces"))) if place.field.nested else []


def _put_faces(source: Source, place: Place, faces: list[dict[str, Any]]) -> None:
    put(source, place.field.at("faces"), faces)


def _forget_in(face: dict[str, Any], name: str) -> None:
    if name in names_in(get(face, "label.name")) | names_in(face.get("label")):
        put(face, "label", without_name(face.get("label"), name))
    put(face, "not", without_name(face.get("not"), name))
    if name in names_in(get(face, "match.name")):
        put(face, "match", None)
    candidates = listed(face.get("candidates"))
    left = [one for one in candidates if name not in names_in(one.get("name"))]
    if len(left) < len(candidates):
        put(face, "candidates", left or None)
        best = max((one["similarity"] for one in left if "similarity" in one), default=None)
        put(face, "best_similarity", best)


def _forget_waiting(source: Source, place: Place, name: str) -> None:
    """What was said of the person's face goes whole; of another's only that it isn't the person."""
    waiting = listed(place.at("unplaced"))
    if not any(names_waiting(one, name) for one in waiting):
        return
    left = []
    for one in waiting:
        if name in names_in(get(one, "label.name")):
            continue
        kept = dict(one)
        put(kept, "not", without_name(one.get("not"), name))
        if kept.keys() - {"id", "box"}:
            left.append(kept)
    put(source, place.field.at("unplaced"), left or None)
