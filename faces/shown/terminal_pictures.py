"""Pictures in a terminal, by the escape sequences of those that can show them.

iTerm2's inline images (https://iterm2.com/documentation-images.html) and kitty's graphics protocol
(https://sw.kovidgoyal.net/kitty/graphics-protocol/). A picture holds no text from outside: it is made here of
pixels.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

Protocol = Literal["iterm2", "kitty"]

KITTY = ("ghostty",)
ITERM2 = ("iterm.app", "wezterm", "mintty", "rio")
"""Values of TERM_PROGRAM, in small letters."""
MULTIPLEXERS = ("screen", "tmux")
"""How TERM begins where a program stands between us and the terminal, which shows no pictures of ours."""
ROWS = 8
"""Lines that a picture takes."""
CHUNK = 4096
"""Bytes of base64 in one sequence of kitty's, at most."""


def protocol_of(environ: Mapping[str, str], is_terminal: bool) -> Protocol | None:
    """By which the terminal shows pictures; None if it isn't known to show any."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "").lower()
    if not is_terminal or term.startswith(MULTIPLEXERS) or environ.get("NO_COLOR"):
        return None
    if environ.get("KITTY_WINDOW_ID") or "kitty" in term or program in KITTY:
        return "kitty"
    if program in ITERM2 or environ.get("LC_TERMINAL", "").lower() == "iterm2":
        return "iterm2"
    return None


def sequence(png: bytes, protocol: Protocol) -> str:
    """What shows a PNG, `ROWS` lines high, and leaves the cursor below it."""
    text = base64.b64encode(png).decode("ascii")
    if protocol == "iterm2":
        options = f"inline=1;size={len(png)};height={ROWS};preserveAspectRatio=1"
        return f"\x1b]1337;File={options}:{text}\x07\n"
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    # q=2: the terminal answers nothing, which would be read as keys.
    first = f"a=T,f=100,q=2,r={ROWS},"
    each = (
        f"\x1b_G{first if number == 0 else ''}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    )
    return "".join(each) + "\n"
