"""A field of a document's source, whichever way its name is spelled there: as objects, or with dots."""

from __future__ import annotations

from typing import Any

from faces.names import all_names
from faces.partial_documents import put as put_objects

Source = dict[str, Any]


def get(source: Source, path: str) -> Any:
    """The value at the dotted ``path``; None if there is none."""
    found = _place(source, path)
    return found[0][found[1]] if found else None


def put(source: Source, path: str, value: Any) -> None:
    """Writes a value where the field stands, else as objects. None removes it, and objects that it leaves
    empty."""
    found = _place(source, path)
    if value is None:
        if found:
            holder, key = found
            del holder[key]
            above = path.rpartition(".")[0]
            if above and get(source, above) == {}:
                put(source, above, None)
        return
    if found:
        found[0][found[1]] = value
        return
    put_objects(source, path, value)


def names_in(value: Any) -> set[str]:
    """The names of a field that may hold one, several, or none."""
    return set(all_names(value))


def without_name(value: Any, name: str) -> Any:
    """``value``, at any depth, without the texts that are this name; None if nothing is left of it."""
    if isinstance(value, dict):
        left = {key: without_name(one, name) for key, one in value.items()}
        return {key: one for key, one in left.items() if one is not None or value[key] is None} or None
    if isinstance(value, list):
        kept = [one for one in (without_name(each, name) for each in value) if one is not None]
        return kept or None
    return None if isinstance(value, str) and all_names(value) == [name] else value


def _place(source: Source, path: str) -> tuple[Source, str] | None:
    """The object and the key that hold the field."""
    if path in source:
        return source, path
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        holder = source.get(".".join(parts[:length]))
        if isinstance(holder, list) and len(holder) == 1:
            (holder,) = holder
        if isinstance(holder, dict) and (found := _place(holder, ".".join(parts[length:]))):
            return found
    return None
