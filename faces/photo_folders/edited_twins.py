"""Copies of a photo that a program edited and put beside the original, under a name made from its name."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePath

from faces.names import nfc
from faces.photo_folders.file_kinds import PHOTO_ENDINGS

_EDITED = """edited, effects, smile, mix, bearbeitet, modifié, editado, editada, ha editado, editat,
modificato, bewerkt, edytowane, redigerad, redigeret, redigert, muokattu, upraveno, upravené, düzenlendi,
szerkesztett, szerkesztve, diedit, изменено, отредактировано, відредаговано, επεξεργασμένο,
編集済み, 已修改, 已编辑, 已編輯, 편집됨, 수정됨"""
EDITED = tuple("-" + nfc(word.strip()) for word in _EDITED.split(","))
"""What Google Takeout adds to the name of an edited copy, in the languages that are known."""
TAKEOUT_STEM = 47
"""Google Takeout cuts names after this many characters, also within ``-edited``."""

NUMBERED = re.compile(r"(.*?)(\(\d+\))?", re.DOTALL)
APPLE = re.compile(r"IMG_E(\d{4}.*)", re.IGNORECASE)
"""Apple's edited ``IMG_E1234.HEIC`` beside ``IMG_1234.HEIC``."""
PHONE = re.compile(r"(.+)~\d")
"""Google Photos' ``PXL_1~2.jpg``, edited on the phone, beside ``PXL_1.jpg``."""
BACKUP = re.compile(r"(.+)_original", re.IGNORECASE)
"""ExifTool's ``photo.jpg_original`` beside ``photo.jpg``."""


def original_of(name: str, beside: Collection[str]) -> str | None:
    """The stem of the original, in lower case, if ``name`` is an edited copy of a photo in the same folder.

    Args:
        beside: the names of the folder's photos, and their stems as ``stem`` gives them.
    """
    backup = BACKUP.fullmatch(name)
    if backup and PurePath(backup[1]).suffix.lower() in PHOTO_ENDINGS:
        return stem(backup[1]) if backup[1] in beside else None
    own = stem(name)
    return next((found for found in _originals(own) if found in beside and found != own), None)


def stem(name: str) -> str:
    """A file's name without its ending, as it is compared: in lower case and NFC."""
    return nfc(PurePath(name).stem).lower()


def base_stem(name: str) -> str:
    """The stem of a photo's name without what marks a copy: a number, and what Google Takeout adds."""
    numbered = NUMBERED.fullmatch(stem(name))
    base = numbered[1] if numbered else stem(name)
    return next((base.removesuffix(word) for word in EDITED if base.endswith(word)), base)


def _originals(own: str) -> list[str]:
    """The stems that the original of an edited copy may have."""
    numbered = NUMBERED.fullmatch(own)
    base, number = (numbered[1], numbered[2] or "") if numbered else (own, "")
    found = [base.removesuffix(word) + number for word in EDITED if base.endswith(word)]
    if len(base) >= TAKEOUT_STEM:
        head, dash, tail = base.rpartition("-")
        if dash and tail and any(word.startswith(f"-{tail}") for word in EDITED):
            found.append(head + number)
    apple = APPLE.fullmatch(own)
    phone = PHONE.fullmatch(own)
    return [*found, *([f"img_{apple[1]}"] if apple else []), *([phone[1]] if phone else [])]
