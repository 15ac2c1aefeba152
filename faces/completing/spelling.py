"""Fields of a document's source, however their names are spelled there: as objects, or with dots in keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faces.erasure import fields as spelled

Source = dict[str, Any]


class Fields:
    """Those of a source, or of the object in it that a target names.

    Args:
        source: changed in place.
    """

    def __init__(self, source: Source, target: str | None = None) -> None:
        self._source = source
        self._prefix = f"{target}." if target else ""

    def get(self, name: str) -> Any:
        return spelled.get(self._source, self._prefix + name)

    def set(self, name: str, value: Any) -> None:
        """Does nothing without a value, or where something that is no object is in the way."""
        path = self._prefix + name
        above = path.rpartition(".")[0]
        if value is not None and (not above or self._is_free(above)):
            spelled.put(self._source, path, value)

    def set_if_absent(self, name: str, value: Any) -> None:
        if self.get(name) is None:
            self.set(name, value)

    def replace(self, name: str, value: Any) -> None:
        """None removes the field."""
        self.remove(name)
        self.set(name, value)

    def remove(self, name: str) -> None:
        """The field and all below it, and objects that this leaves empty."""
        spelled.put(self._source, self._prefix + name, None)

    def is_object(self, path: str) -> bool:
        """Whether an object is there, or could be."""
        return self._is_free(path)

    def _is_free(self, path: str) -> bool:
        """Whether the object at a path is there, or can be made."""
        parts = path.split(".")
        above = (spelled.get(self._source, ".".join(parts[:end])) for end in range(1, len(parts) + 1))
        return all(found is None or isinstance(found, dict) for found in above)


def expanded(source: Source) -> tuple[Source, list[str]]:
    """The source with objects in place of keys with dots, where they can be made; and these keys."""
    dotted = []
    for name in [key for key in source if "." in key.strip(".")]:
        if Fields({key: one for key, one in source.items() if key != name}).is_object(
            name.rpartition(".")[0]
        ):
            value = source.pop(name)
            spelled.put(source, name, value)
            dotted.append(name)
    return source, dotted


def collapsed(source: Source, dotted: Sequence[str]) -> Source:
    """The source with these keys as they were, as far as their fields are there."""
    for name in dotted:
        value = spelled.get(source, name)
        if value is not None:
            spelled.put(source, name, None)
            source[name] = value
    return source


def without(source: Source, paths: Sequence[str]) -> None:
    """Removes the fields at these paths, and all below them, in whichever spelling, also within arrays; and
    the objects and arrays that this leaves empty."""
    for key in list(source):
        left = _left(source[key], _path("", key), paths)
        if left is None and source[key] is not None:
            del source[key]
        else:
            source[key] = left


def _left(value: Any, path: str, paths: Sequence[str]) -> Any:
    """None if nothing is left."""
    if any(path == one or path.startswith(f"{one}.") for one in paths):
        return None
    if not any(one.startswith(f"{path}.") for one in paths):
        return value
    if isinstance(value, dict):
        inner = {key: _left(one, _path(path, key), paths) for key, one in value.items()}
        kept = {key: one for key, one in inner.items() if one is not None or value[key] is None}
        return kept or (value if not value else None)
    if isinstance(value, list):
        rest = [left for one in value if (left := _left(one, path, paths)) is not None or one is None]
        return rest or (value if not value else None)
    return value


def _path(above: str, key: str) -> str:
    """Without empty parts, as of a key that ends with a dot."""
    tidy = ".".join(part for part in key.split(".") if part)
    return f"{above}.{tidy}" if above and tidy else above or tidy
