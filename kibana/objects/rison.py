"""Rison, the format in which Kibana keeps the state of a page in its address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

PLAIN = re.compile(r"[A-Za-z_./~][\w./~-]*")
"""Strings that need no quotes."""


def in_address(value: Any) -> str:
    """Rison encoded for an address, or for the template of one: braces are not encoded."""
    return quote(dumped(value), safe="!'()*,:;@/~{}")


def dumped(value: Any) -> str:
    """
    Raises:
        TypeError: a value has a type that JSON lacks.
    """
    match value:
        case None:
            return "!n"
        case bool():
            return "!t" if value else "!f"
        case int() | float():
            return str(value)
        case str():
            return value if PLAIN.fullmatch(value) else "'" + re.sub(r"[!']", r"!\g<0>", value) + "'"
        case list():
            return f"!({','.join(map(dumped, value))})"
        case dict():
            return f"({','.join(f'{dumped(key)}:{dumped(one)}' for key, one in value.items())})"
    raise TypeError(f"[{type(value).__name__}] has no form in rison")
