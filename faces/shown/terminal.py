"""Text from outside in a terminal: as it is, on one line."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from faces.shown.printable import printable

PLAIN = bool(os.environ.get("NO_COLOR"))
"""Whether a terminal, too, gets text without escape sequences."""
WIDEST = 100_000
"""Characters of a table's line where no terminal limits it."""


class PlainConsole(Console):
    """A console that shows each text as it is, on one line: no text becomes markup, an emoji, a link, an
    escape sequence or a second line.

    Args:
        stderr: write to standard error.
        width: in columns where no terminal says; default: on standard output as wide as a table's values.
    """

    def __init__(self, stderr: bool, width: int | None = None) -> None:
        terminal = False if PLAIN else None
        is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
        without = width or (None if stderr else WIDEST)
        super().__init__(
            stderr=stderr,
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=True,
            width=None if is_terminal else without,
            force_terminal=terminal,
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """What Rich makes of every text, those of tables included."""
        shown = printable(text).encode(self.encoding, "backslashreplace").decode(self.encoding)
        # A caller's `markup=True` must not bring it back.
        return super().render_str(shown, **options | {"markup": False, "emoji": False})


def table(*header: str) -> Table:
    """An empty table. A value that is wider than a terminal takes several lines, and none is cut off."""
    made = Table(box=None, header_style="dim")
    for name in header:
        made.add_column(name, overflow="fold")
    return made
