"""Bytes to pixels: the one place that reads strangers' pictures.

Only the content counts: no name, no header, no URL and no path. The size in pixels is read before any pixel
is decoded. It runs in processes that import only this (``decoders``), so it does without numpy where it can.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Protocol

import pillow_heif
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from ingest_service import costs, formats, jpeg, tiff
from ingest_service.data_uris import photo_bytes
from ingest_service.errors import FaceServiceError
from ingest_service.exif import date_taken
from ingest_service.formats import FORMATS, READERS

END_OF_JPEG = b"\xff\xd9"
SHRINKS = (2, 4, 8)
"""By which libjpeg decodes each block of 8 x 8 pixels as 4 x 4, 2 x 2, or one."""
SIDEWAYS = 5
"""From this of EXIF's orientations on, width and height change places."""
BAND = 1_000_000
"""Pixels that are converted at once, so that a large photo isn't in memory in several modes."""


@dataclass(frozen=True)
class Header:
    """What is known of a photo before a pixel is decoded."""

    file_bytes: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True)
class Facts:
    """What an upright photo's file says, besides its pixels.

    width, height: of the file's picture, upright.
    taken: when it was taken, ISO 8601, with a zone only if the camera noted one; None if unknown.
    shrink: of the file's pixels, how many side by side are one of those that were decoded: 1, 2, 4 or 8.
    """

    width: int
    height: int
    sha256: str
    size: int
    mime_type: str
    taken: str | None
    shrink: int = 1

    @property
    def decoded_size(self) -> tuple[int, int]:
        """Width and height."""
        return _shrunk((self.width, self.height), self.shrink)


class Space(Protocol):
    """Where a photo is decoded."""

    def opened(self, header: Header) -> None:
        """Called once, before a pixel is decoded; what it raises ends the decoding."""

    def pixels(self, size: int) -> memoryview:
        """Called once: so many bytes, for the pixels in rows from the top, each three bytes of RGB."""


def read(sent: object, max_bytes: int, max_pixels: int, space: Space, enough: int | None = None) -> Facts:
    """Writes the pixels of a photo that is bytes, base64, or a ``data:`` URI, into the space.

    Args:
        enough: pixels of the longer side that suffice: a large JPEG is then decoded at a half, a fourth or an
            eighth of its size, in a fraction of the time. None for all that there are.

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
        image, largest = _opened(data, max_pixels)
        header = Header(len(data), *largest)
        space.opened(header)
        mime_type = FORMATS[image.format or ""]
        taken = date_taken(image)
        orientation = _orientation(image)
        shrink = _shrink(image, orientation, enough) if enough else 1
        try:
            image = _loaded(image, header, shrink)
        except FaceServiceError:
            raise
        except MemoryError:
            raise too_much_memory(header) from None
        except Exception as error:  # Pillow and its decoders raise many kinds on damaged pictures
            image = _without_its_end(image, data, header, shrink, _problem(image, data, error))
        try:
            _write_rgb(image, space.pixels(3 * image.width * image.height))
        except MemoryError:
            raise too_much_memory(header) from None
        except (OSError, ValueError):  # Pillow can't convert its mode
            raise FaceServiceError("damaged", "the picture can't be decoded") from None
    size = image.size
    if shrink > 1:
        size = (header.height, header.width) if orientation >= SIDEWAYS else (header.width, header.height)
    return Facts(*size, hashlib.sha256(data).hexdigest(), len(data), mime_type, taken, shrink)


def too_much_memory(header: Header) -> FaceServiceError:
    allowed = costs.memory(header.file_bytes, header.pixels) / 1e6
    return FaceServiceError("too_costly", f"decoding the photo takes over {allowed:.0f} MB of memory")


def _opened(data: bytes, max_pixels: int) -> tuple[Image.Image, tuple[int, int]]:
    """The picture, none of whose pixels is decoded, and the size of the largest piece that will be."""
    limit = f"{max_pixels / 1e6:g} megapixels are allowed"
    Image.init()  # registers the formats, the first time
    pillow_heif.register_heif_opener()
    tiff.register()
    if data.startswith(b"\xff\xd8\xff"):
        jpeg.require_affordable(data)
    try:
        image = Image.open(io.BytesIO(data), formats=READERS)
        largest = image.size
        if isinstance(image, TiffImageFile):
            tiff.show_photo(image)
            tiff.require_plain_sizes(image, data)
            largest = max(image.size, tiff.tile_size(image), key=_area)
    except FaceServiceError:
        raise
    except Image.DecompressionBombError:
        raise FaceServiceError("too_many_pixels", f"the photo is far too large; {limit}") from None
    except UnidentifiedImageError:
        raise formats.refusal(data) from None
    except Exception as error:  # Pillow raises many kinds on damaged pictures
        if "unsupported" in str(error).lower():  # as Pillow says of kinds of BMP
            problem = f"the file is of a rare kind: {str(error)[:100]}"
            raise FaceServiceError("unsupported_format", problem) from None
        raise formats.unreadable(data) from None
    if _area(largest) > max_pixels:
        problem = f"the photo has {largest[0]} x {largest[1]} pixels; {limit}"
        raise FaceServiceError("too_many_pixels", problem)
    if isinstance(image, TiffImageFile):
        tiff.require_fitting_pieces(image)
    return image, largest


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _shrink(image: Image.Image, orientation: int, enough: int) -> int:
    """What libjpeg can shrink the photo by while it decodes it, and still leave enough of a large one."""
    if image.format not in ("JPEG", "MPO") or _area(image.size) <= costs.LARGE:
        return 1
    fitting = [by for by in SHRINKS if max(_shrunk(image.size, by)) >= enough]
    if orientation != 1:  # a last pixel that stands for fewer would come first, and move the others
        fitting = [by for by in fitting if image.width % by == image.height % by == 0]
    return max(fitting, default=1)


def _shrunk(size: tuple[int, int], shrink: int) -> tuple[int, int]:
    """As libjpeg does it: a last pixel may stand for fewer."""
    return -(-size[0] // shrink), -(-size[1] // shrink)


def _orientation(image: Image.Image) -> int:
    """EXIF's, 1 to 8."""
    try:
        said = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken EXIF, on which Pillow raises many kinds
        return 1
    return int(said) if said in range(1, 9) else 1


def _loaded(image: Image.Image, header: Header, shrink: int = 1) -> Image.Image:
    """The first frame, decoded, turned as EXIF says.

    Args:
        shrink: of a JPEG, as ``_shrink`` finds it.
    """
    if shrink > 1:
        size = _shrunk(image.size, shrink)
        image.draft(None, (image.width // shrink, image.height // shrink))
        if image.size != size:
            raise FaceServiceError("damaged", "the picture can't be decoded")
    image.load()
    if _area(image.size) > header.pixels:  # a HEIC's header may say anything
        raise FaceServiceError("damaged", "the picture is larger than its header says")
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # a photo with broken EXIF is still a photo; Pillow raises many kinds here
        image.getexif().clear()
    if image.mode in ("I", "F"):
        raise FaceServiceError("unsupported_format", "the picture has 32 bits a pixel")
    return image


def _write_rgb(image: Image.Image, pixels: memoryview) -> None:
    """In 8 bits a channel, transparency on white."""
    bits, white_is_zero = tiff.depth(image) if isinstance(image, TiffImageFile) else (16, False)
    # Most programs leave a BMP's fourth byte empty: such a photo isn't all transparent.
    opaque = image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getbbox() is None
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        if band.mode.startswith("I;16"):
            band = _in_8_bits(band, bits, white_is_zero)
        if band.mode == "La":
            band = band.convert("LA")
        if opaque:
            band = band.convert("RGB")
        if band.has_transparency_data:
            layer = band.convert("RGBA")
            band = Image.new("RGBA", layer.size, "white")
            band.alpha_composite(layer)
        start = 3 * top * image.width
        pixels[start : start + 3 * _area(band.size)] = (
            band if band.mode == "RGB" else band.convert("RGB")
        ).tobytes()


def _in_8_bits(image: Image.Image, bits: int, white_is_zero: bool) -> Image.Image:
    """Pillow's own conversion would clip everything above 255."""
    import numpy as np  # by the few photos that need it

    grey = (np.array(image) >> (bits - 8)).astype(np.uint8)
    return Image.fromarray(255 - grey if white_is_zero else grey)


def _problem(image: Image.Image, data: bytes, error: Exception) -> FaceServiceError:
    """Why an opened picture's pixels can't be decoded."""
    cut = isinstance(image, TiffImageFile) and tiff.ends_early(image, len(data))
    if cut or "truncated" in str(error).lower() or isinstance(error, EOFError):
        return FaceServiceError("truncated", "the picture ends too early")
    if image.format == "JPEG":
        return jpeg.refusal(data)
    return FaceServiceError("damaged", "the picture can't be decoded")


def _without_its_end(
    image: Image.Image, data: bytes, header: Header, shrink: int, problem: FaceServiceError
) -> Image.Image:
    """A JPEG that lacks only its last marker. With that, Pillow shows whatever is there; but if nothing is
    missing, more bytes before the marker change no pixel.

    Raises:
        FaceServiceError: ``problem``, because it isn't such a JPEG.
    """
    if image.format not in ("JPEG", "MPO") or problem.code != "truncated":
        raise problem
    scan = data.rstrip(END_OF_JPEG[:1])
    endings = (END_OF_JPEG, 64 * b"\x55" + END_OF_JPEG)
    try:
        one, other = (
            _loaded(Image.open(io.BytesIO(scan + ending), formats=["JPEG"]), header, shrink)
            for ending in endings
        )
    except MemoryError:
        raise too_much_memory(header) from None
    except Exception:  # as above
        raise problem from None
    if one != other:
        raise problem
    return one
