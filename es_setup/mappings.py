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
"""Our type -> other types that take the same values."""
GROUP = "faces.group"
"""Without its copy in indices of earlier releases, which never wrote it."""
CANDIDATES = "faces.candidates"
"""Not indexed in indices of earlier releases, and so for ever: Elasticsearch can't change [enabled]."""


def fields(properties: Mapping) -> Iterator[Mapping]:
    """The definition of every field, those below objects included."""
    for field in properties.values():
        yield field
        yield from fields(field.get("properties", {}))


def face_vectors(properties: Mapping) -> Iterator[Mapping]:
    """The definition of every face vector. A photo's fingerprint is a vector of bits, so not among them."""
    for field in fields(properties):
        if field.get("type") == "dense_vector" and field.get("element_type") != "bit":
            yield field


def face_vector_paths(properties: Mapping) -> dict[str, str | None]:
    """Full name of every face vector -> full name of the nested object around it, if any."""
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
    """The fields of ``wanted`` that ``present`` lacks; and, as text, those that it has with another type."""
    absent: Mapping = {}
    unfit: list[str] = []
    for name, field in wanted.items():
        existing = present.get(name)
        if existing is None:
            absent[name] = field
        elif is_stored_only(f"{above}{name}", existing):
            continue
        elif why := _why_unfit(field, existing):
            unfit.append(f"[{above}{name}] {why}")
        elif _is_at(f"{above}{name}", GROUP) and "copy_to" not in existing:
            absent[name] = existing | {"copy_to": field["copy_to"]}
        elif "properties" in field:
            below_absent, below_unfit = compare(
                field["properties"], existing.get("properties", {}), f"{above}{name}."
            )
            unfit += below_unfit
            if below_absent:
                kind = {"type": existing["type"]} if "type" in existing else {}
                absent[name] = kind | {"properties": below_absent}
    return absent, unfit


def is_stored_only(path: str, field: Mapping) -> bool:
    """Whether it is the field of candidates, perhaps below a target field, as earlier releases mapped it."""
    return _is_at(path, CANDIDATES) and field.get("enabled", True) is False


def _is_at(path: str, field: str) -> bool:
    """Whether it is our field, perhaps below a target field."""
    return f".{path}".endswith(f".{field}")


def _why_unfit(wanted: Mapping, existing: Mapping) -> str | None:
    wanted_type, existing_type = wanted.get("type", "object"), existing.get("type", "object")
    if existing_type != wanted_type and existing_type not in ALSO_FITS.get(wanted_type, ()):
        return f"is of type [{existing_type}], must be [{wanted_type}]"
    if existing_type == "dense_vector" and existing.get("dims") != wanted["dims"]:
        return f"has {existing.get('dims')} dimensions, must have {wanted['dims']}"
    if existing_type == "object" and existing.get("enabled", True) != wanted.get("enabled", True):
        return f"must {'not ' if wanted.get('enabled', True) else ''}have [enabled: false]"
    if wanted_type == "date" and "date_optional_time" not in existing.get("format", "date_optional_time"):
        return f"has the format [{existing['format']}], must take [strict_date_optional_time]"
    return None


def names(properties: Mapping, above: str = "") -> Iterator[str]:
    """The full name of every field, without the objects around them."""
    for name, field in properties.items():
        if "properties" in field:
            yield from names(field["properties"], f"{above}{name}.")
        else:
            yield above + name


def count(properties: Mapping) -> int:
    """How many fields, without objects that have no type of their own."""
    return sum("type" in field for field in fields(properties))


def below(path: str, field: Mapping) -> Mapping:
    """Properties with ``field`` at the dotted ``path``, below one object for each dot."""
    name, _, rest = path.partition(".")
    return {name: {"properties": below(rest, field)} if rest else field}


def find(properties: Mapping, path: str) -> Mapping | None:
    """The definition of the field at the dotted ``path``, if there is one."""
    name, _, rest = path.partition(".")
    field: Mapping | None = properties.get(name)
    return find(field.get("properties", {}), rest) if field and rest else field


def add(properties: Mapping, more: Mapping) -> None:
    """Adds the fields of ``more`` to ``properties``, also below objects that both have."""
    for name, field in more.items():
        if name in properties and "properties" in field:
            add(properties[name].setdefault("properties", {}), field["properties"])
        else:
            properties[name] = field


def remove(properties: Mapping, path: str) -> None:
    """Removes the field at the dotted ``path``, which must exist."""
    name, _, rest = path.partition(".")
    if rest:
        remove(properties[name]["properties"], rest)
    else:
        del properties[name]
