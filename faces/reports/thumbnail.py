"""Small copies of photos for a report."""

from __future__ import annotations

import io

from PIL import Image

MAX_SIDE, QUALITY = 160, 82


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG without EXIF of an RGB image, at most 160 pixels a side."""
    small = image.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
