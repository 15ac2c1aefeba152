"""Text from outside in HTML: as it is."""

from __future__ import annotations

import html
import re

from faces.shown.printable import printable


def escaped(text: str) -> str:
    """For an element or a quoted attribute: no character of ``text`` is HTML. Its line breaks stay."""
    return html.escape("\n".join(map(printable, text.split("\n"))))


def with_code(text: str) -> str:
    """As ``escaped``, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))


def breakable(text: str) -> str:
    """As ``escaped``; a long name may break where its words end."""
    return re.sub(r"([/_])", r"\1<wbr>", escaped(text))
