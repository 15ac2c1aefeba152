"""Mappings as data: finding, adding and comparing their fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Mapping = dict[str, Any]
"""The ``properties`` of a mapping, or the definition of one field."""

ALSO_FITS = {
    "integer": ("long", "unsigned_long"),
    "long": ("unsigned_long",),
    "float": ("double",),
    "date": ("date_nanos",),
    "keyword": ("wildcard",),
    "text": ("match_only_text", "keyword", "wildcard"),
}
"""Types other than our own that take the same values."""


def fields(properties: Mapping) -> Iterator[Mapping]:
    """The definition of every field, and of every field below it."""
    for field in properties.values():
        yield field
        yield from fields(field.get("properties", {}))


def face_vectors(properties: Mapping) -> Iterator[Mapping]:
    """The definition of every vector of a face; a photo's fingerprint is none, it has bits."""
    for field in fields(properties):
        if field.get("type") == "dense_vector" and field.get("element_type") != "bit":
            yield field


def face_vector_paths(properties: Mapping) -> dict[str, str | None]:
    """The full name of every vector of a face, with that of the nested object that it is in, if in one."""
    found: dict[str, str | None] = {}
    for name in names(properties):
        field = find(properties, name) or {}
        if any(face_vectors({name: field})):
            above = name.split(".")[:-1]
            holders = [".".join(above[:length]) for length in range(len(above), 0, -1)]
            nested = (
                holder for holder in holders if (find(properties, holder) or {}).get("type") == "nested"
            )
            found[name] = next(nested, None)
    return found


def compare(wanted: Mapping, present: Mapping, above: str = "") -> tuple[Mapping, list[str]]:
    """What of ``wanted`` isn't in ``present``, and what is there and doesn't fit, in words."""
    absent: Mapping = {}
    unfit: list[str] = []
    for name, field in wanted.items():
        there = present.get(name)
        if there is None:
            absent[name] = field
        elif why := _why_unfit(field, there):
            unfit.append(f"[{above}{name}] {why}")
        elif "properties" in field:
            more, worse = compare(field["properties"], there.get("properties", {}), f"{above}{name}.")
            unfit += worse
            if more:
                kind = {"type": there["type"]} if "type" in there else {}
                absent[name] = kind | {"properties": more}
    return absent, unfit


def _why_unfit(wanted: Mapping, there: Mapping) -> str | None:
    type_wanted, type_there = wanted.get("type", "object"), there.get("type", "object")
    if type_there != type_wanted and type_there not in ALSO_FITS.get(type_wanted, ()):
        return f"is of type [{type_there}], must be [{type_wanted}]"
    if type_there == "dense_vector" and there.get("dims") != wanted["dims"]:
        return f"has {there.get('dims')} dimensions, must have {wanted['dims']}"
    if type_there == "object" and there.get("enabled", True) != wanted.get("enabled", True):
        return f"must {'not ' if wanted.get('enabled', True) else ''}have [enabled: false]"
    if type_wanted == "date" and "date_optional_time" not in there.get("format", "date_optional_time"):
        return f"has the format [{there['format']}], must take [strict_date_optional_time]"
    return None


def names(properties: Mapping, above: str = "") -> Iterator[str]:
    """The full name of every field, not of objects that only hold others."""
    for name, field in properties.items():
        if "properties" in field:
            yield from names(field["properties"], f"{above}{name}.")
        else:
            yield above + name


def count(properties: Mapping) -> int:
    """How many fields, not counting objects that only hold others."""
    return sum("type" in field for field in fields(properties))


def below(path: str, field: Mapping) -> Mapping:
    """The properties with ``field`` at ``path``, whose dots are objects."""
    name, _, rest = path.partition(".")
    return {name: {"properties": below(rest, field)} if rest else field}


def find(properties: Mapping, path: str) -> Mapping | None:
    name, _, rest = path.partition(".")
    field: Mapping | None = properties.get(name)
    return find(field.get("properties", {}), rest) if field and rest else field


def add(properties: Mapping, more: Mapping) -> None:
    """Adds fields to properties, also below objects that both have."""
    for name, field in more.items():
        if name in properties and "properties" in field:
            add(properties[name].setdefault("properties", {}), field["properties"])
        else:
            properties[name] = field


def remove(properties: Mapping, path: str) -> None:
    name, _, rest = path.partition(".")
    if rest:
        remove(properties[name]["properties"], rest)
    else:
        del properties[name]
