"""A face beside portraits of those it may show, as one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch
from PIL import Image, ImageOps

from faces.explore.stored_faces import decoded
from faces.searchable import Searchable, below

SIDE, GAP = 160, 8
"""Pixels."""
LARGEST = 1024
"""Pixels of a stored crop's side: ours have at most 256, and whoever may write documents may store any."""
EMPTY = "#8a8f98"


def crops_of(es: Elasticsearch, gallery: Searchable, ids: Sequence[str]) -> dict[str, str]:
    """The stored crops, base64 JPEG, of the portraits with these ids; without those that have none."""
    names = {field.at("face.crop") for field in gallery.fields if not field.nested}
    if not ids or not names:
        return {}
    hits = es.search(
        index=gallery.name,
        query={"ids": {"values": list(ids)}},
        size=len(ids),
        source={"includes": sorted(names)},
        track_total_hits=False,
    )["hits"]["hits"]
    found: dict[str, Any] = {
        hit["_id"]: next((crop for name in names if (crop := below(hit["_source"], name))), None)
        for hit in hits
    }
    return {key: crop for key, crop in found.items() if isinstance(crop, str)}


def side_by_side(crops: Sequence[str | None]) -> bytes:
    """A PNG of all of them in a row, the face itself apart from the portraits; grey where there is none.

    Args:
        crops: base64 JPEG; the face's first.
    """
    width = len(crops) * (SIDE + GAP) + 2 * GAP
    row = Image.new("RGB", (width, SIDE), "white")
    for place, crop in enumerate(crops):
        # The first is apart.
        row.paste(_opened(crop), (place * (SIDE + GAP) + (3 * GAP if place else 0), 0))
    buffer = io.BytesIO()
    row.save(buffer, "PNG")
    return buffer.getvalue()


def _opened(crop: str | None) -> Image.Image:
    """A square."""
    nothing = Image.new("RGB", (SIDE, SIDE), EMPTY)
    data = decoded(crop)
    if data is None:
        return nothing
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
            if max(opened.size) > LARGEST:
                return nothing
            return ImageOps.pad(opened.convert("RGB"), (SIDE, SIDE))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return nothing
