"""Text from outside in Markdown: as it is."""

from __future__ import annotations

import html
import re

from faces.shown.printable import printable

MARKUP = re.compile(
    r"[\\`*\[\]|~#$]|(?<!\w)_|_(?!\w)"
    # An address would become a link, and a word between colons a picture.
    r"|(?<=http):|(?<=https):|(?<=ftp):|(?<=www)\.|:(?=\w+:)",
    re.IGNORECASE,
)
"""An underscore within a word is no markup."""
FIRST = re.compile(r"[-+](?=[\s-]|$)|(?<=\d)[.)](?=\s|$)")
"""What starts a list or a rule where a paragraph begins."""


def plain(text: str) -> str:
    """Escaped, on one line, so that Markdown shows ``text`` as it is: no markup, HTML, link or emoji."""
    return MARKUP.sub(r"\\\g<0>", html.escape(printable(" ".join(text.split())), quote=False))


def paragraph(text: str) -> str:
    """As ``plain``, where a paragraph begins: nor is it a list or a rule."""
    start, space, rest = plain(text).partition(" ")
    return FIRST.sub(r"\\\g<0>", start, count=1) + space + rest


def command(text: str) -> str:
    """A command as a block of code, on one line."""
    return "    " + printable(" ".join(text.splitlines()))
