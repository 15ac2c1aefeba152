"""When a photo was taken, as its EXIF says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

FIRST_PHOTO = 1826
"""The year of the oldest photo that is left: a clock that was never set often says the year 1."""

DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
ZONE = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")

Tag = ExifTags.Base
TAKEN = (
    (Tag.DateTimeOriginal, Tag.SubsecTimeOriginal, Tag.OffsetTimeOriginal),
    (Tag.DateTimeDigitized, Tag.SubsecTimeDigitized, Tag.OffsetTimeDigitized),
)
"""Of the date, its fraction of a second, and its zone. Not DateTime: that is when the file was changed."""


def date_taken(image: Image.Image) -> str | None:
    """ISO 8601, with a zone only if the camera noted one; None if unknown.

    When it was digitized if when it was taken is absent or impossible, such as 0000:00:00 00:00:00.
    """
    try:
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except Exception:  # broken EXIF, on which Pillow raises many kinds: no date
        return None
    for date, fraction, zone in TAKEN:
        moment = _moment(_text(exif, date))
        if moment is not None:
            digits = _text(exif, fraction)[:6]
            # Of several cameras and telephones, OffsetTime is the only zone.
            zones = (_text(exif, tag).replace("Z", "+00:00") for tag in (zone, Tag.OffsetTime))
            return (
                moment.isoformat()
                + (f".{digits}" if re.fullmatch(r"[0-9]+", digits) else "")
                + next(filter(ZONE.fullmatch, zones), "")
            )
    return None


def _text(exif: Mapping[int, Any], tag: int) -> str:
    value = exif.get(tag, "")
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip("\0 ")


def _moment(text: str) -> datetime | None:
    found = DATE.match(text)
    try:
        moment = datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S") if found else None
    except ValueError:  # such as the 31st of February
        return None
    return moment if moment and moment.year >= FIRST_PHOTO else None
