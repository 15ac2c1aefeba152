"""The date in XMP: in a file beside the photo, or in the photo itself."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any
from xml.parsers import expat

from faces.names import nfc

DATES = (
    "http://ns.adobe.com/exif/1.0/ DateTimeOriginal",
    "http://ns.adobe.com/photoshop/1.0/ DateCreated",
    "http://ns.adobe.com/xap/1.0/ CreateDate",
    "http://ns.adobe.com/exif/1.0/ DateTimeDigitized",
)
"""In order: when it was taken comes before when it was made into a file."""
MAX_BYTES = 4_000_000
DATE = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?(?:T(\d\d:\d\d)(:\d\d)?(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?")


def date_beside(photo: Path, names: list[str]) -> str | None:
    """The date in ``IMG.xmp`` or ``IMG.jpg.xmp`` beside ``IMG.jpg``, ISO 8601; None without one.

    Args:
        names: the files in the photo's folder.
    """
    own = {nfc(photo.name).lower(), nfc(photo.stem).lower()}
    for name in names:
        if name.lower().endswith(".xmp") and nfc(PurePath(name).stem).lower() in own:
            date = _date_in_file(photo.with_name(name))
            if date:
                return date
    return None


def date_in(photo: bytes) -> str | None:
    """The date in the XMP that the photo itself contains."""
    start = photo.find(b"<x:xmpmeta")
    end = photo.find(b"</x:xmpmeta>", start)
    return date_of(photo[start : end + len(b"</x:xmpmeta>")]) if 0 <= start < end else None


def date_of(xmp: bytes) -> str | None:
    """The first of ``DATES`` that is a date. XML that isn't XMP, or that declares entities, has none."""
    found: dict[str, str] = {}
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name)
        found.update((key, value) for key, value in attributes.items() if key in DATES)

    def text(data: str) -> None:
        if inside and inside[-1] in DATES:
            found[inside[-1]] = found.get(inside[-1], "") + data

    def refuse(*_: Any) -> None:
        raise ValueError("XMP has no document type")  # an entity may stand for gigabytes

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: inside.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(xmp, True)
    except (expat.ExpatError, ValueError, LookupError):
        return None
    dates = (_checked(found[name]) for name in DATES if name in found)
    return next((date for date in dates if date), None)


def _date_in_file(sidecar: Path) -> str | None:
    try:
        too_large = not sidecar.is_file() or sidecar.stat().st_size > MAX_BYTES
        return None if too_large else date_of(sidecar.read_bytes())
    except OSError:
        return None


def _checked(text: str) -> str | None:
    """A date as Elasticsearch reads it; None if it isn't one, such as year 0 or month 13."""
    parts = DATE.fullmatch(text.strip())
    if not parts:
        return None
    year, month, day, minute, second, fraction, zone = parts.groups(default="")
    try:
        datetime.fromisoformat(f"{year}{month or '-01'}{day or '-01'}T{minute or '00:00'}{second}")
    except ValueError:
        return None
    date = f"{year}{month}{day}"
    return f"{date}T{minute}{second or ':00'}{fraction}{zone}" if minute else date
