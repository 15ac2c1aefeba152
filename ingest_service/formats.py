"""The formats that are read, and why other bytes aren't."""

from __future__ import annotations

from PIL import Image
from PIL.TiffImagePlugin import PREFIXES as TIFF

from ingest_service import jpeg, tiff
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

OTHERS = {
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"<?xm": "SVG or other XML",
    b"\x00\x00\x01\x00": "ICO",
    b"\x00\x00\x00\x0c": "JPEG 2000 or JPEG XL",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"II\xbc\x01": "JPEG XR",
    b"IIU\x00": "a camera's raw file",
    b"IIRO": "a camera's raw file",
    b"FUJI": "a camera's raw file",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RA": "Radiance HDR",
    b"RIFF": "a film or a sound",
    b"\x1a\x45\xdf\xa3": "a film",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "compressed by gzip",
}
"""First bytes of other files that people send."""

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def refusal(data: bytes) -> FaceServiceError:
    """Why a file that Pillow opens as none of ``FORMATS`` isn't read."""
    if data.startswith(b"\xff\xd8\xff"):
        return jpeg.refusal(data)
    if data.startswith(tuple(TIFF)):
        return tiff.refusal(data)
    name = _name(data)
    if name is None:
        return FaceServiceError("not_an_image", "the bytes aren't a picture")
    if name in FORMATS:
        return unreadable(data)
    return FaceServiceError("unsupported_format", f"the file is {name}, which can't be read here")


def unreadable(data: bytes) -> FaceServiceError:
    """Why a picture of a format that is read isn't opened. A WebP says how long it is."""
    if _name(data) == "WEBP" and 8 + int.from_bytes(data[4:8], "little") > len(data):
        return FaceServiceError("truncated", "the picture ends too early")
    return FaceServiceError("damaged", "the picture's header can't be read")


def _name(data: bytes) -> str | None:
    """Of the format, by a file's first bytes; nothing is read."""
    start = data[:16]
    if name := OTHERS.get(start[:4]) or OTHERS.get(start[:2]):
        return "WEBP" if start[8:12] == b"WEBP" else name
    if start[4:8] == b"ftyp":
        return "HEIF" if start[8:12] in HEIF_BRANDS else "AVIF or a film"
    for name, (_, accept) in Image.OPEN.items():
        # It expects so many bytes. Some readers answer with a message.
        if accept is not None and len(start) == 16 and accept(start) is True:
            return name
    return None
