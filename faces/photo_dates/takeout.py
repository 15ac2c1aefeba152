"""Google Takeout's JSON files, one beside each photo."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path, PurePath

from faces.names import nfc
from faces.photo_folders.edited_twins import EDITED

SUPPLEMENT = ".supplemental-metadata"
"""Comes between a photo's name and ``.json``, whole or cut off."""
CUT_AT = 46
"""Takeout cuts the name of a JSON file after this many characters."""
MAX_BYTES = 1_000_000
NUMBERED = re.compile(r"(.*?)(\(\d+\))?", re.DOTALL)


def date_beside(photo: Path, names: list[str]) -> str | None:
    """``photoTakenTime`` of the photo's JSON file, ISO 8601 in UTC; None without one, or if it has no date.

    Args:
        names: the files in the photo's folder.
    """
    found = (_date(photo.with_name(name)) for name in names if is_of(nfc(name), nfc(photo.name)))
    return next((date for date in found if date), None)


def is_of(sidecar: str, photo: str) -> bool:
    """Whether a JSON file is that of a photo, by their names.

    ``IMG.jpg``: ``IMG.jpg.json``, ``IMG.jpg.supplemental-metadata.json`` and its truncations; in some older
    exports ``IMG.json``. ``IMG(1).jpg``: ``IMG.jpg(1).json`` too. ``IMG-edited.jpg``: those of ``IMG.jpg``.
    """
    if not sidecar.lower().endswith(".json"):
        return False
    if sidecar[:-5] in (photo, PurePath(photo).stem):
        return True
    own, number = _numbered(PurePath(photo).stem)
    base, its_number = _numbered(sidecar[:-5])
    stems = [own, *(own.removesuffix(word) for word in EDITED if own.endswith(word))]
    return number == its_number and any(_belongs(base, s + PurePath(photo).suffix) for s in stems)


def _belongs(base: str, photo: str) -> bool:
    if base == photo:
        return True
    whole = photo + SUPPLEMENT
    return whole.startswith(base) and (base.startswith(f"{photo}.") or len(base) >= CUT_AT)


def _numbered(text: str) -> tuple[str, str]:
    found = NUMBERED.fullmatch(text)
    return (found[1], found[2] or "") if found else (text, "")


def _date(sidecar: Path) -> str | None:
    try:
        if not sidecar.is_file() or sidecar.stat().st_size > MAX_BYTES:
            return None
        seconds = int(json.loads(sidecar.read_bytes())["photoTakenTime"]["timestamp"])
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat() if seconds else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
