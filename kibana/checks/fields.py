"""The fields of our indices as their templates map them, and what boards can do with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from es_setup import mappings
from es_setup.shipped_files import requests, template_fields

NUMBERS = (
    "byte",
    "short",
    "integer",
    "long",
    "unsigned_long",
    "half_float",
    "float",
    "double",
    "scaled_float",
)
KEYWORDS = ("keyword", "constant_keyword", "wildcard")
DATES = ("date", "date_nanos")
UNSEARCHABLE = ("object", "nested", "binary")


@dataclass(frozen=True)
class Known:
    """A field of a template. ``nested``: below a nested object, where Lens, controls and KQL see nothing."""

    type: str
    nested: bool
    indexed: bool
    doc_values: bool

    @property
    def aggregatable(self) -> bool:
        return self.doc_values and not self.nested and self.type in NUMBERS + KEYWORDS + DATES + ("boolean",)


Template = dict[str, Known]

META = {
    "_id": Known("_id", nested=False, indexed=True, doc_values=False),
    "_index": Known("keyword", nested=False, indexed=True, doc_values=True),
    "_score": Known("_score", nested=False, indexed=False, doc_values=False),
    "_source": Known("_source", nested=False, indexed=False, doc_values=False),
}
"""What every document has without a mapping."""

NEEDS: dict[str, Callable[[Known], bool]] = {
    "shown": lambda field: True,
    "searched": lambda field: field.indexed and not field.nested and field.type not in UNSEARCHABLE,
    "aggregated": lambda field: field.aggregatable,
    "a number": lambda field: field.aggregatable and field.type in NUMBERS,
    "a number or date": lambda field: field.aggregatable and field.type in NUMBERS + DATES,
    "a keyword": lambda field: field.aggregatable and field.type in KEYWORDS,
    "a date": lambda field: field.aggregatable and field.type in DATES,
}
"""What a board may want of a field."""


def templates() -> dict[str, Template]:
    """Alias of an index -> name -> field, objects among them, as the templates of ``faces install`` say."""
    return {alias: dict(_fields(properties)) for alias, properties in template_fields(requests()).items()}


def find(template: Template, name: str) -> Known | None:
    """The field, or what ``name`` stands for: one of those that a ``*`` matches, or the object without an
    index that it is part of."""
    if name in META:
        return META[name]
    if "*" in name:
        return next((known for field, known in template.items() if fnmatchcase(field, name)), None)
    if name in template:
        return template[name]
    above = name.rpartition(".")[0]
    whole = find(template, above) if above else None
    return whole if whole and whole.type == "object" and not whole.indexed else None


def _fields(properties: mappings.Mapping, above: str = "", nested: bool = False) -> list[tuple[str, Known]]:
    found = []
    for name, field in properties.items():
        within = nested or field.get("type") == "nested"
        found.append((above + name, _known(field, within)))
        found += _fields(field.get("properties", {}), f"{above}{name}.", within)
    return found


def _known(field: dict[str, Any], nested: bool) -> Known:
    indexed = field.get("index", True) and field.get("enabled", True)
    return Known(field.get("type", "object"), nested, indexed, field.get("doc_values", True))
