"""Bytes to pixels: the one place that reads strangers' pictures.

Only the content counts: no name, no header, no URL and no path. The size in pixels is read before any pixel
is decoded.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from ingest_service import formats, tiff
from ingest_service.data_uris import photo_bytes
from ingest_service.detection import Pixels
from ingest_service.errors import FaceServiceError
from ingest_service.exif import date_taken
from ingest_service.formats import FORMATS, READERS

FAILURES = (OSError, SyntaxError, ValueError, EOFError, OverflowError, MemoryError)
"""What Pillow raises on damaged pictures."""

END_OF_JPEG = b"\xff\xd9"


@dataclass(frozen=True)
class Photo:
    """An upright photo and what its file says.

    taken: when it was taken, ISO 8601, with a zone only if the camera noted one; None if unknown.
    """

    pixels: Pixels
    sha256: str
    size: int
    mime_type: str
    taken: str | None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode(sent: object, max_bytes: int, max_pixels: int) -> Photo:
    """A photo from its bytes, from base64, or from a ``data:`` URI.

    Raises:
        FaceServiceError: with one of the codes of a photo's own errors.
    """
    data = sent if isinstance(sent, bytes) else photo_bytes(sent, max_bytes)
    if not data:
        raise FaceServiceError("not_an_image", "the photo is empty")
    if len(data) > max_bytes:
        raise FaceServiceError("too_large", f"the photo is over {max_bytes / 1e6:g} MB")
    with warnings.catch_warnings():
        # Pillow warns at its own size limit; ours is checked before a pixel is decoded.
        warnings.simplefilter("ignore")
        image = _open(data, max_pixels)
        mime_type = FORMATS[image.format or ""]
        taken = date_taken(image)
        try:
            pixels = _upright_rgb(image)
        except FAILURES as error:
            pixels = _without_its_end(image, data, _problem(image, data, error))
    return Photo(pixels, hashlib.sha256(data).hexdigest(), len(data), mime_type, taken)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    limit = f"{max_pixels / 1e6:g} megapixels are allowed"
    Image.init()  # registers the formats, the first time
    pillow_heif.register_heif_opener()
    tiff.register()
    try:
        image = Image.open(io.BytesIO(data), formats=READERS)
    except Image.DecompressionBombError:
        raise FaceServiceError("too_many_pixels", f"the photo is far too large; {limit}") from None
    except UnidentifiedImageError:
        raise formats.refusal(data) from None
    except FAILURES as error:
        if "unsupported" in str(error).lower():  # as Pillow says of kinds of BMP
            problem = f"the file is of a rare kind: {str(error)[:100]}"
            raise FaceServiceError("unsupported_format", problem) from None
        raise formats.unreadable(data) from None
    sizes = [image.size]
    if isinstance(image, TiffImageFile):
        tiff.show_photo(image)
        sizes = [image.size, tiff.tile_size(image)]
    for width, height in sizes:
        if width * height > max_pixels:
            problem = f"the photo has {width} x {height} pixels; {limit}"
            raise FaceServiceError("too_many_pixels", problem)
    return image


def _upright_rgb(image: Image.Image) -> Pixels:
    """The first frame, turned as EXIF says, in 8 bits a channel, transparency on white."""
    image.load()
    bits, white_is_zero = tiff.depth(image) if isinstance(image, TiffImageFile) else (16, False)
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # a photo with broken EXIF is still a photo; Pillow raises many kinds here
        image.getexif().clear()
    if image.mode in ("I", "F"):
        raise FaceServiceError("unsupported_format", "the picture has 32 bits a pixel")
    if image.mode.startswith("I;16"):
        grey = _to_8_bits(np.array(image), bits)
        image = Image.fromarray(255 - grey if white_is_zero else grey)
    if image.mode == "La":
        image = image.convert("LA")
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getbbox() is None:
        image = image.convert("RGB")  # not all transparent: most programs leave a BMP's fourth byte empty
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _to_8_bits(values: NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    """In place: Pillow's own conversion would clip everything above 255."""
    values >>= bits - 8
    return values.astype(np.uint8)


def _problem(image: Image.Image, data: bytes, error: Exception) -> FaceServiceError:
    """Why an opened picture's pixels can't be decoded."""
    cut = isinstance(image, TiffImageFile) and tiff.ends_early(image, len(data))
    if cut or "truncated" in str(error).lower() or isinstance(error, EOFError):
        return FaceServiceError("truncated", "the picture ends too early")
    if image.format == "JPEG":
        return formats.jpeg_refusal(data)
    return FaceServiceError("damaged", "the picture can't be decoded")


def _without_its_end(image: Image.Image, data: bytes, problem: FaceServiceError) -> Pixels:
    """The pixels of a JPEG that lacks only its last marker. With that, Pillow shows whatever is there; but if
    nothing is missing, more bytes before the marker change no pixel.

    Raises:
        FaceServiceError: ``problem``, because it isn't such a JPEG.
    """
    if image.format not in ("JPEG", "MPO") or problem.code != "truncated":
        raise problem
    scan = data.rstrip(END_OF_JPEG[:1])
    endings = (END_OF_JPEG, 64 * b"\x55" + END_OF_JPEG)
    try:
        one, other = (
            _upright_rgb(Image.open(io.BytesIO(scan + ending), formats=["JPEG"])) for ending in endings
        )
    except FAILURES:
        raise problem from None
    if not np.array_equal(one, other):
        raise problem
    return one
