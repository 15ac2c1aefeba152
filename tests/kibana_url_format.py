"""How Kibana shows a value by a data view's format `url`, written from its source:
src/platform/plugins/shared/field_formats/common/converters/url.ts, the same in 8.19 and 9.x."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote

SCHEMES = ("http://", "https://", "mailto:")
ORIGIN = "https://kibana.example"


def shown(value: str, form: dict[str, Any] | None) -> str:
    """The HTML of a value; without a format it is escaped text."""
    if form is None or form["id"] != "url":
        return html.escape(value)
    params = form["params"]
    names = {"value": quote(value, safe="-_.!~*'()"), "rawValue": value}
    address = html.escape(_filled(params["urlTemplate"], names))
    label = html.escape(_filled(params["labelTemplate"], {"value": value, "url": address}))
    if params["type"] == "img":
        return f'<img src="{address}" alt="{label}">'
    prefix = ""
    if not address.startswith(SCHEMES):
        if address.startswith("#"):
            prefix = f"{ORIGIN}/app/discover"
        elif address.startswith("/"):
            prefix = ORIGIN
        else:
            prefix = f"{ORIGIN}/app/"
    return f'<a href="{prefix}{address}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"{{(.+?)}}", lambda found: values.get(found[1].strip(), ""), template)
