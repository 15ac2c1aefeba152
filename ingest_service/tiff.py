"""TIFF has more kinds of pixels than Pillow knows: what it gets wrong is read right here, or refused."""

from __future__ import annotations

import io
import struct
from itertools import zip_longest

from PIL import ImagePalette, TiffImagePlugin
from PIL.ExifTags import Base as Tag

from ingest_service.errors import FaceServiceError

WHITE_IS_ZERO, LAB = 0, 8
"""Of PhotometricInterpretation."""
REDUCED = 1
"""Of NewSubfileType: a smaller copy of another page."""
NOT_BUILT_IN = {34676: "SGILog", 34677: "SGILog", 50001: "WebP"}
"""Compressions whose tags Pillow knows, but that its libtiff lacks."""
SPARE = 1_000_000
"""Pixels that a tile may have beyond what its picture has: the tiles of a pyramid are all of one size."""
BIG = (b"\x2b\0", b"\0\x2b")
"""The version of BigTIFF."""
SIZES = {
    *(Tag.ImageWidth, Tag.ImageLength, Tag.TileWidth, Tag.TileLength, Tag.RowsPerStrip),
    *(Tag.BitsPerSample, Tag.SamplesPerPixel),
}
WHOLE = (1, 3, 4, 16)
"""Types of whole numbers above 0: of 8, 16, 32 and 64 bits."""
STRIPS = ((Tag.StripOffsets, Tag.StripByteCounts), (Tag.TileOffsets, Tag.TileByteCounts))


def register() -> None:
    """Has Pillow read by libtiff, which knows planes of 16 bits, and 16-bit negatives of both byte orders."""
    TiffImagePlugin.READ_LIBTIFF = True
    negative = (TiffImagePlugin.MM, WHITE_IS_ZERO, (1,), 1, (16,), ())
    TiffImagePlugin.OPEN_INFO.setdefault(negative, ("I;16B", "I;16B"))


def show_photo(image: TiffImagePlugin.TiffImageFile) -> None:
    """Goes to the page with the photo: the first one, unless that is a thumbnail of the second.

    Raises:
        FaceServiceError: ``unsupported_format``.
    """
    if image.is_animated or _is_reduced(image):
        first = image.size
        is_reduced = _is_reduced(image)
        try:
            image.seek(1)
        except Exception:  # absent, or of a kind that Pillow doesn't read; it raises many kinds here
            if is_reduced:
                raise _unsupported("has only a thumbnail that can be read, as raw files have") from None
            image.seek(0)
        else:
            if _is_reduced(image) or not (is_reduced or _is_thumbnail(first, image.size)):
                image.seek(0)
    _require_right(image)


def _is_reduced(image: TiffImagePlugin.TiffImageFile) -> bool:
    return bool(_number(image, Tag.NewSubfileType, 0) & REDUCED)


def _is_thumbnail(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a page of one size is that of another, though not marked: half as wide or less, and as high."""
    width, height = size
    return 2 * width <= other[0] and abs(width * other[1] / other[0] - height) <= 1


def _require_right(image: TiffImagePlugin.TiffImageFile) -> None:
    if set(_numbers(image, Tag.SampleFormat)) - {1}:
        raise _unsupported("has signed or floating-point numbers as pixels")
    if (
        _number(image, Tag.PhotometricInterpretation, WHITE_IS_ZERO) == LAB
        and _number(image, Tag.PlanarConfiguration, 1) == 2
    ):
        raise _unsupported("has Lab in planes")
    if compression := NOT_BUILT_IN.get(_number(image, Tag.Compression, 1)):
        raise _unsupported(f"is compressed as {compression}")
    colours = _numbers(image, TiffImagePlugin.COLORMAP)
    if image.mode in ("P", "PA") and max(colours) < 256:
        # Written by a program that doesn't know of 16 bits: Pillow would show black.
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))


def tile_size(image: TiffImagePlugin.TiffImageFile) -> tuple[int, int]:
    """In pixels: a tile is decoded whole, and may be larger than the picture."""
    return _number(image, Tag.TileWidth, 0), _number(image, Tag.TileLength, 0)


def require_fitting_pieces(image: TiffImagePlugin.TiffImageFile) -> None:
    """
    Raises:
        FaceServiceError: ``too_many_pixels``, for a tile that is much larger than its picture;
            ``damaged``, for more tiles or strips than pixels.
    """
    width, height = tile_size(image)
    if width * height > 4 * image.width * image.height + SPARE:
        problem = f"the photo has {image.width} x {image.height} pixels in tiles of {width} x {height}"
        raise FaceServiceError("too_many_pixels", problem)
    if any(len(_numbers(image, offsets)) > 4 * image.width * image.height + 4 for offsets, _ in STRIPS):
        raise _damaged()


def require_plain_sizes(image: TiffImagePlugin.TiffImageFile, data: bytes) -> None:
    """Sizes must be numbers that Pillow reads, too: libtiff also takes them from types that Pillow skips, and
    would decode a tile whose size nobody has checked.

    Raises:
        FaceServiceError: ``damaged``.
    """
    order = "<" if image.tag_v2.prefix == b"II" else ">"
    count, entry = (order + "Q", order + "HHQ8x") if data[2:4] in BIG else (order + "H", order + "HHI4x")
    start = image.tag_v2.offset
    (entries,) = struct.unpack_from(count, data, start)
    start += struct.calcsize(count)
    size = struct.calcsize(entry)
    tags = struct.iter_unpack(entry, data[start : start + size * min(entries, (len(data) - start) // size)])
    sizes = [(tag, kind) for tag, kind, _ in tags if tag in SIZES]
    if any(kind not in WHOLE for _, kind in sizes) or len({tag for tag, _ in sizes}) < len(sizes):
        raise _damaged()


def depth(image: TiffImagePlugin.TiffImageFile) -> tuple[int, bool]:
    """Bits of a grey pixel, and whether 0 is white."""
    photometric = _number(image, Tag.PhotometricInterpretation, WHITE_IS_ZERO)
    return _number(image, Tag.BitsPerSample, 1), photometric == WHITE_IS_ZERO


def _number(image: TiffImagePlugin.TiffImageFile, tag: int, default: int) -> int:
    return next(iter(_numbers(image, tag)), default)


def _numbers(image: TiffImagePlugin.TiffImageFile, tag: int) -> list[int]:
    """The whole numbers of a tag, which in a damaged file may be anything."""
    value = image.tag_v2.get(tag, ())
    return [number for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, int)]


def refusal(data: bytes) -> FaceServiceError:
    """Why a TIFF isn't opened by Pillow."""
    file = io.BytesIO(data)
    try:
        header = file.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(header + (file.read(8) if 43 in header[2:4] else b""))
        if tags.next >= len(data):
            return FaceServiceError("truncated", "the picture ends too early")
        file.seek(tags.next)
        tags.load(file)
        if tags.get(Tag.ImageWidth) and tags.get(Tag.ImageLength):
            return _unsupported("is of a kind that is rare for photos")
    except Exception:  # Pillow raises many kinds here
        return _damaged()
    return _damaged()


def ends_early(image: TiffImagePlugin.TiffImageFile, size: int) -> bool:
    """Whether pixels would lie beyond the end of a file of ``size`` bytes."""
    for offsets, counts in STRIPS:
        places = zip_longest(_numbers(image, offsets), _numbers(image, counts), fillvalue=0)
        if any(offset + count > size for offset, count in places):
            return True
    return False


def _damaged() -> FaceServiceError:
    return FaceServiceError("damaged", "the picture's header can't be read")


def _unsupported(problem: str) -> FaceServiceError:
    return FaceServiceError("unsupported_format", f"the file is a TIFF that {problem}")
