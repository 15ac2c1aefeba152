"""A portrait's document as the plugin writes it, where no pipeline does."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from PIL import Image

from faces.completing.times import as_text
from faces.photo_faces import PhotoFaces

THUMBNAIL_SIDE = 200
THUMBNAIL_BYTES = 8_000
COPIED = ("url", "observer")
"""The sender's own fields of a photo that a portrait from it has too."""


def id_of_face(sha256: str, position: int) -> str:
    """``face.id``: the start of the photo's SHA-256, and the face's position."""
    return f"{sha256[:16]}-{position}"


def of_photo(found: PhotoFaces, position: int, sent: Mapping[str, Any], took: int) -> dict[str, Any]:
    """The document of one face of a photo.

    Args:
        sent: what a sender would send beside the photo.
        took: nanoseconds until the service's answer.
    """
    face = dict(found.faces[position])
    sha256 = found.file["hash"]["sha256"]
    now = _now()
    lone = len(found.faces) == 1
    thumbnail = found.thumbnail if lone else thumbnail_of(face.get("crop"))
    return {
        "@timestamp": found.photo.get("taken", now),
        **_of_face({"id": id_of_face(sha256, position), **face}),
        **sent,
        "photo": {"faces_found": 1, **found.photo},
        "model": {name: found.model[name] for name in ("id", "digest", "precision") if name in found.model},
        "file": {**found.file, **sent.get("file", {}), "hash": {"sha256": sha256}},
        "event": {"ingested": now, "duration": took, "outcome": "success"},
        **({"thumbnail": thumbnail} if thumbnail else {}),
    }


def of_stored_face(
    source: Mapping[str, Any], face: Mapping[str, Any], sent: Mapping[str, Any]
) -> dict[str, Any]:
    """The document of a face that an archive has.

    Args:
        source: what the processor wrote of its photo, and ``url``, ``observer``, ``file`` beside it.
        face: with its vector.
        sent: the portrait's ``person`` and ``tags``.
    """
    lone = len(source.get("faces", [])) == 1
    thumbnail = source.get("thumbnail") if lone else thumbnail_of(face.get("crop"))
    photo = {name: value for name, value in source.get("photo", {}).items() if name != "dated_by"}
    made = ("id", "vector", "box", "confidence", "quality", "landmarks", "crop")
    return {
        **{name: source[name] for name in ("@timestamp", "model", "file", *COPIED) if name in source},
        **_of_face({name: face[name] for name in made if name in face}),
        **sent,
        "photo": {**photo, "faces_found": 1},
        "event": {"ingested": _now(), "outcome": "success"},
        **({"thumbnail": thumbnail} if thumbnail else {}),
    }


def thumbnail_of(crop: str | None) -> str | None:
    """The picture of a portrait whose photo shows others, too: its crop, as small as a photo's thumbnail.

    Args:
        crop: base64 JPEG.

    Returns:
        base64 JPEG of at most 200 pixels a side and 8,000 bytes; None if there is no crop that can be read.
    """
    if not crop:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(crop, validate=True))).convert("RGB")
    except (OSError, ValueError):
        return None
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    for quality in (80, 65, 50, 35, 20, 5):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= THUMBNAIL_BYTES:
            return base64.b64encode(buffer.getvalue()).decode("ascii")
    return None


def _of_face(face: dict[str, Any]) -> dict[str, Any]:
    vector = face.pop("vector")
    score = (face.get("quality") or {}).get("score")
    return {
        "vector": vector,
        "face": face,
        "face_count": 1,
        **({"best_quality": score} if score is not None else {}),
    }


def _now() -> str:
    return as_text(datetime.now(timezone.utc))
