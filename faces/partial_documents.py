"""Partial documents for an ``_update``, from fields by their full names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def document_of(fields: dict[str, Any], dotted: Collection[str] = ()) -> dict[str, Any]:
    """A document with these fields, by their full names; those of ``dotted`` under one key with dots."""
    document: dict[str, Any] = {name: value for name, value in fields.items() if name in dotted}
    for name, value in fields.items():
        if name not in dotted:
            put(document, name, value)
    return document


def put(document: dict[str, Any], name: str, value: Any) -> None:
    """Sets the field of this full name, and makes the objects that it needs."""
    *above, last = name.split(".")
    for part in above:
        if document.get(part) is None:
            # A sender's null is no object, and stands for none.
            document[part] = {}
        document = document[part]
    document[last] = value
