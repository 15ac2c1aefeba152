"""Blackens faces in stored pictures: in a thumbnail, in a photo that is kept, in a neighbour's crop."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence

from PIL import Image, ImageOps, UnidentifiedImageError

from faces.boxes import Box

MARGIN = 0.25
"""Around a face's box, as a share of its longer side: hair, ears and chin are outside of the box."""
CROP_SIDE = 1.6
"""Side of a stored crop, as a multiple of its box's longer side."""
KEPT_FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 95


class NotAPicture(Exception):
    """The stored picture can't be decoded here."""


def blacken_photo(stored: str, size: tuple[int, int], gone: Sequence[Box], stay: Sequence[Box]) -> str:
    """A photo or thumbnail in base64, or as a ``data:`` URI, with faces blackened.

    The picture is upright afterwards and has no metadata: EXIF may hold a small copy of it.

    Args:
        size: width and height of the upright photo that the boxes are in pixels of.
        gone: the faces to blacken, with a margin; stay: faces whose pixels stay where only the margin of
            another reaches them.

    Raises:
        NotAPicture: it can't be decoded.
    """
    start, comma, body = stored.rpartition(",")
    image, kind = _opened(body)
    scale = image.width / size[0], image.height / size[1]
    _blacken(image, [box.scaled(*scale) for box in gone], [box.scaled(*scale) for box in stay])
    text = _saved(image, kind)
    return f"data:image/{kind.lower()};base64,{text}" if comma and start else text


def blacken_crop(crop: str, own: Box, gone: Sequence[Box]) -> str:
    """A neighbour's crop, without what it shows of blackened faces; the same text if it shows nothing.

    Args:
        own: the neighbour's box, which stays as it is; gone: the blackened ones. In pixels of the photo.
    """
    square = _square_of_crop(own)
    seen = [box for box in gone if box.overlap(square) > 0]
    if not seen:
        return crop
    image, kind = _opened(crop)
    scale = image.width / square.width

    def here(box: Box) -> Box:
        return box.moved(-square.x, -square.y).scaled(scale, scale)

    _blacken(image, [here(box) for box in seen], [here(own)], all_of=False)
    return _saved(image, kind)


def _blacken(image: Image.Image, gone: Sequence[Box], stay: Sequence[Box], all_of: bool = True) -> None:
    kept = [(_corners(box, image), image.crop(_corners(box, image))) for box in stay]
    for box in gone:
        image.paste(0, _corners(_with_margin(box), image))
    for corners, pixels in kept:
        image.paste(pixels, corners)
    for box in gone if all_of else ():
        image.paste(0, _corners(box, image))


def _with_margin(box: Box) -> Box:
    more = MARGIN * max(box.width, box.height)
    return Box(box.x - more, box.y - more, box.width + 2 * more, box.height + 2 * more)


def _square_of_crop(box: Box) -> Box:
    """What the stored crop of a face shows."""
    side = CROP_SIDE * max(box.width, box.height)
    return Box(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side)


def _corners(box: Box, image: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom within the image, rounded outwards."""
    left, top = int(max(0, box.x)), int(max(0, box.y))
    right = min(image.width, -int(-(box.x + box.width) // 1))
    bottom = min(image.height, -int(-(box.y + box.height) // 1))
    return left, top, max(left, right), max(top, bottom)


def _opened(text: str) -> tuple[Image.Image, str]:
    """The upright picture in RGB, and the format to save it in."""
    try:
        found = Image.open(io.BytesIO(base64.b64decode(text)))
        kind = found.format if found.format in KEPT_FORMATS else "JPEG"
        return ImageOps.exif_transpose(found).convert("RGB"), str(kind)
    except (
        binascii.Error,
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ):
        raise NotAPicture from None


def _saved(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    options = {"PNG": {}, "WEBP": {"lossless": True}}.get(kind, {"quality": QUALITY, "subsampling": 0})
    # A new picture: the old one's metadata would be saved with it.
    Image.frombytes("RGB", image.size, image.tobytes()).save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
