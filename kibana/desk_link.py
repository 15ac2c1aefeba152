"""The link to the desk that a person gave the boards: it stays until they give another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from kibana.boards import DESK, LINKS
from kibana.saved_object import SavedObject


def desk_of(board: SavedObject) -> str | None:
    """The desk's address by a copy of a board in Kibana; None if it has none, or nothing that we link to."""
    panels = _read(board["attributes"].get("panelsJSON"))
    rows = [one for one in panels if isinstance(one, dict) and one.get("panelIndex") == LINKS]
    for row in rows:
        for link in _links(row):
            if isinstance(link, dict) and link.get("id") == DESK and is_address(link.get("destination")):
                return str(link["destination"])
    return None


def desk_of_any(boards: Iterable[SavedObject]) -> str | None:
    """The first that has one."""
    return next(filter(None, map(desk_of, boards)), None)


def is_address(text: object) -> bool:
    """Whether it is an address of the web, without a password, that a link may lead to."""
    if not isinstance(text, str) or not text.isprintable() or any(letter in text for letter in ' <>"\\'):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def _read(text: Any) -> list[Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _links(panel: dict[str, Any]) -> list[Any]:
    config = panel.get("embeddableConfig")
    attributes = config.get("attributes") if isinstance(config, dict) else None
    found = attributes.get("links") if isinstance(attributes, dict) else None
    return found if isinstance(found, list) else []
