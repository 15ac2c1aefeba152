"""Text from outside in pictures: as it is, and readable in whatever fonts there are."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unicodedata import east_asian_width

from faces.names import nfc
from faces.shown.printable import printable

FAMILY = "DejaVu Sans"
"""matplotlib's own, which is always there. It has no Chinese, Japanese and Korean."""


NO_LETTERS = re.compile(r"Last ?Resort|^cm|^STIXSize|NonUnicode")
"""Fonts, matplotlib's too, that draw boxes or mathematical signs in place of letters."""


@contextmanager
def lettering(*texts: str) -> Iterator[None]:
    """Within it matplotlib draws text as it is: no dollar sign starts a formula, and a character that its own
    font lacks is taken from another font of this machine, if any has it.

    Args:
        texts: all that will be drawn.
    """
    import matplotlib as mpl

    # It would warn that a font has no bold letters, and draws its others.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    families = [FAMILY, *_families(frozenset("".join(texts)) - _characters(_file(FAMILY)))]
    with mpl.rc_context({"text.parse_math": False, "text.usetex": False, "font.family": families}):
        yield


def drawn(text: str) -> str:
    """``text`` on one line, with a code such as [U+674E] for characters that no font here has."""
    shown = printable(nfc(text))
    lacking = {one for one in shown if ord(one) > 127 and not _has_font(one)}
    if not lacking:
        return shown
    pattern = "[" + re.escape("".join(lacking)) + "]+"
    return re.sub(pattern, lambda run: f"[{' '.join(f'U+{ord(one):04X}' for one in run[0])}]", shown)


def shortened(text: str, width: int) -> str:
    """As `drawn`, at most ``width`` letters wide; a Chinese, Japanese or Korean character counts twice."""
    shown = drawn(text)
    if _wide(shown) <= width:
        return shown
    while shown and _wide(shown) >= width:
        shown = shown[:-1]
    return f"{shown}…"


def _wide(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _has_font(character: str) -> bool:
    return character in _characters(_file(FAMILY)) or bool(_families(frozenset(character)))


@cache
def _families(characters: frozenset[str]) -> tuple[str, ...]:
    """Fonts that have ``characters`` together, as far as any has them."""
    from matplotlib.font_manager import fontManager

    found, wanted = [], {one for one in characters if ord(one) > 127}
    fonts = [font for font in fontManager.ttflist if not NO_LETTERS.search(font.name)]
    for font in sorted(fonts, key=lambda font: (font.style != "normal", font.name)):
        if not wanted:
            break
        if has := wanted & _characters(font.fname):
            found.append(font.name)
            wanted -= has
    return tuple(found)


@cache
def _characters(file: str) -> frozenset[str]:
    """The characters that a font has; none if matplotlib can't draw it, as one of coloured pictures."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()


@cache
def _file(family: str) -> str:
    from matplotlib.font_manager import findfont

    return str(findfont(family))
