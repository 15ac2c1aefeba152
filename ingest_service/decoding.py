"""Base64 to pixels: the one place that reads untrusted bytes.

Only the content counts: no name, no header, no URL and no path. The size in pixels is read before any pixel
is decoded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ingest_service.detection import Pixels
from ingest_service.errors import FaceServiceError

FORMATS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # several JPEGs in one file, as some cameras write; the first is the photo
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "HEIF": "image/heic",
}
"""Pillow's formats that are read, and their media types."""

READERS = [name for name in FORMATS if name != "MPO"]
"""Pillow's readers that are used; JPEG's also reads MPO."""

KNOWN_OTHERS = {
    b"ftyp": "AVIF or a film",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"<?xm": "SVG or other XML",
    b"\x00\x00\x01\x00": "ICO",
    b"\x00\x00\x00\x0c": "JPEG 2000 or JPEG XL",
    b"\xff\x0a": "JPEG XL",
}
"""First bytes (from byte 4 for ``ftyp``) of other pictures that people send, which aren't read here."""

DATA_URI = re.compile(r"data:[\w.+/-]{0,64}(?:;[\w=.-]{0,32}){0,4};base64,", re.ASCII)


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
    """A photo from its bytes, from base64, or from a base64 ``data:`` URI.

    Raises:
        FaceServiceError: with one of the codes of a photo's own errors.
    """
    data = sent if isinstance(sent, bytes) else _decode_base64(sent, max_bytes)
    if not data:
        raise FaceServiceError("not_an_image", "the photo is empty")
    if len(data) > max_bytes:
        raise FaceServiceError("too_large", f"the photo is over {max_bytes / 1e6:g} MB")
    with warnings.catch_warnings():
        # Pillow warns at its own size limit; ours is checked before a pixel is decoded.
        warnings.simplefilter("ignore")
        image = _open(data, max_pixels)
        mime_type = FORMATS[image.format or ""]
        taken = _taken(image)
        try:
            pixels = _upright_rgb(image)
        except (OSError, SyntaxError, ValueError, EOFError, OverflowError, MemoryError) as error:
            if "truncated" in str(error).lower() or isinstance(error, EOFError):
                raise FaceServiceError("truncated", "the picture ends too early") from None
            raise FaceServiceError("damaged", "the picture can't be decoded") from None
    return Photo(pixels, hashlib.sha256(data).hexdigest(), len(data), mime_type, taken)


def _decode_base64(text: object, max_bytes: int) -> bytes:
    if not isinstance(text, str):
        raise FaceServiceError("not_base64", "the photo isn't a string")
    prefix = DATA_URI.match(text)
    encoded = text[prefix.end() :] if prefix else text
    # MIME breaks lines. A regular expression would take longer than all the rest.
    for white_space in " \t\r\n":
        encoded = encoded.replace(white_space, "")
    if len(encoded) // 4 * 3 > max_bytes + 2:
        raise FaceServiceError("too_large", f"the photo is over {max_bytes / 1e6:g} MB")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise FaceServiceError("not_base64", "the photo isn't base64") from None


def _open(data: bytes, max_pixels: int) -> Image.Image:
    limit = f"{max_pixels / 1e6:g} megapixels are allowed"
    Image.init()  # registers the formats, the first time
    pillow_heif.register_heif_opener()
    try:
        image = Image.open(io.BytesIO(data), formats=READERS)
    except Image.DecompressionBombError:
        raise FaceServiceError("too_many_pixels", f"the photo is far too large; {limit}") from None
    except UnidentifiedImageError:
        start = data[4:8] if data[4:8] == b"ftyp" else data[:4]
        name = KNOWN_OTHERS.get(start) or KNOWN_OTHERS.get(start[:2])
        if name:
            raise FaceServiceError(
                "unsupported_format", f"the file is {name}, which can't be read here"
            ) from None
        raise FaceServiceError("not_an_image", "the bytes aren't a picture") from None
    except (OSError, SyntaxError, ValueError, OverflowError, MemoryError):
        raise FaceServiceError("damaged", "the picture's header can't be read") from None
    if image.width * image.height > max_pixels:
        problem = f"the photo has {image.width} x {image.height} pixels; {limit}"
        raise FaceServiceError("too_many_pixels", problem)
    return image


def _upright_rgb(image: Image.Image) -> Pixels:
    """The first frame, turned as EXIF says, in 8 bits a channel, transparency on white."""
    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # a photo with broken EXIF is still a photo; Pillow raises many kinds here
        image.getexif().clear()
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_to_8_bits(np.array(image)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """16-bit and float pictures to 8 bits, in place: Pillow's own conversion would clip everything above
    255."""
    if np.issubdtype(values.dtype, np.integer):
        np.clip(values, 0, 65535, out=values)
        values //= 257
    else:
        np.nan_to_num(values, copy=False, posinf=0, neginf=0)
        values *= 255 / max(float(values.max()), 1e-9)
        np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)


def _taken(image: Image.Image) -> str | None:
    try:
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
        text = str(exif.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
        moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
        zone = str(exif.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    except Exception:  # broken EXIF: no date
        return None
    return moment.isoformat() + (zone if re.fullmatch(r"[+-](?:0\d|1[0-4]):[0-5]\d", zone) else "")
