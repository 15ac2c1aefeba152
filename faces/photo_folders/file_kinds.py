"""What a file is, by its ending and its first bytes."""

from __future__ import annotations

from pathlib import Path

_PHOTOS = """.jpg .jpeg .jpe .jfif .jif .mpo .png .apng .webp .bmp .dib .tif .tiff .gif .heic .heif .hif
.heics .heifs .avif"""
PHOTO_ENDINGS = set(_PHOTOS.split())
"""Files that are sent without a look at their content. The service decides whether it can read them."""

PHOTO = "photo"
OTHER_PICTURE = "picture of another format"

_ENDINGS = {
    "raw photo": """.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf
.pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f""",
    OTHER_PICTURE: """.ai .emf .eps .exr .hdr .ico .jp2 .j2k .jpx .jxl .pbm .pcx .pgm .ppm .psb .psd .svg
.tga .wmf .xcf""",
    "video": """.3g2 .3gp .avi .flv .insv .lrv .m2ts .m4v .mkv .mov .mp .mp4 .mpeg .mpg .mts .mxf .ogv .vob
.webm .wmv""",
    "sound": ".aac .aiff .flac .m4a .mp3 .ogg .opus .wav .wma",
    "sidecar": ".aae .cos .dop .exif .json .nksc .on1 .pp3 .xmp",
    "document": ".csv .doc .docx .htm .html .md .odt .pdf .ppt .pptx .rtf .txt .xls .xlsx .xml",
    "archive": ".7z .bz2 .gz .rar .tar .tgz .xz .zip",
    "thumbnail": ".thm .ithmb",
}
_BY_ENDING = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}

_NEVER_PHOTOS = {"raw photo", "thumbnail"}
"""Kinds whose content looks like a photo's: a raw photo is a TIFF file, a camera's thumbnail a JPEG file."""

_STARTS = (
    (b"\xff\xd8\xff", PHOTO),
    (b"\x89PNG\r\n\x1a\n", PHOTO),
    (b"GIF87a", PHOTO),
    (b"GIF89a", PHOTO),
    (b"II*\0", PHOTO),
    (b"MM\0*", PHOTO),
    (b"II+\0", PHOTO),
    (b"MM\0+", PHOTO),
    (b"8BPS", OTHER_PICTURE),
    (b"\xff\x0a", OTHER_PICTURE),
    (b"\0\0\0\x0cJXL ", OTHER_PICTURE),
    (b"\0\0\0\x0cjP  ", OTHER_PICTURE),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\0\0\x01\xba", "video"),
    (b"\0\0\x01\xb3", "video"),
    (b"%PDF", "document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
    (b"PK\x03\x04", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"SQLite format 3\0", "database"),
)
_HEIF_BRANDS = set(b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1 avif avis".split())
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
START = 32
"""As many bytes as ``kind_of`` needs."""


def skipped_as(path: Path) -> str | None:
    """Why a file isn't sent; None if it may be a photo: by its ending, or else by its content.

    Raises:
        OSError: the file can't be read.
    """
    ending = path.suffix.lower()
    if ending in PHOTO_ENDINGS:
        return None
    by_ending = _BY_ENDING.get(ending)
    if by_ending in _NEVER_PHOTOS:
        return by_ending
    with path.open("rb") as file:
        by_content = kind_of(file.read(START))
    return None if by_content == PHOTO else by_ending or by_content or "no photo"


def kind_of(start: bytes) -> str | None:
    """What the first bytes of a file say that it is: ``PHOTO``, another kind, or None for unknown."""
    for magic, kind in _STARTS:
        if start.startswith(magic):
            return "raw photo" if kind == PHOTO and start[8:10] == b"CR" else kind
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return PHOTO if brand in _HEIF_BRANDS else "raw photo" if brand == b"crx " else "video"
    if start.startswith(b"RIFF"):
        return {b"WEBP": PHOTO, b"AVI ": "video", b"WAVE": "sound"}.get(start[8:12])
    is_bmp = start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BMP_HEADERS
    return PHOTO if is_bmp else None
