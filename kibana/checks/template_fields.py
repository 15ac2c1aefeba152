"""The fields of our indices, as the templates of ``faces install`` map them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from es_setup import mappings
from es_setup.shipped_files import requests, template_fields


@dataclass(frozen=True)
class MappedField:
    """``nested``: whether it belongs to nested documents, which Lens, controls and KQL can't see."""

    type: str
    nested: bool
    indexed: bool
    doc_values: bool


Template = dict[str, MappedField]
"""Name -> field; objects are among them."""

META = {
    "_id": MappedField("_id", nested=False, indexed=True, doc_values=False),
    "_index": MappedField("keyword", nested=False, indexed=True, doc_values=True),
    "_score": MappedField("_score", nested=False, indexed=False, doc_values=False),
    "_source": MappedField("_source", nested=False, indexed=False, doc_values=False),
}
"""What every document has without a mapping."""


def templates() -> dict[str, Template]:
    """The template of each alias."""
    return {alias: dict(_fields(properties)) for alias, properties in template_fields(requests()).items()}


def find(template: Template, name: str) -> MappedField | None:
    """The field; for a name with ``*`` the first that matches; for a field within an object that isn't
    indexed, that object."""
    if name in META:
        return META[name]
    if "*" in name:
        return next((found for field, found in template.items() if fnmatchcase(field, name)), None)
    if name in template:
        return template[name]
    above = name.rpartition(".")[0]
    whole = find(template, above) if above else None
    return whole if whole and whole.type == "object" and not whole.indexed else None


def _fields(
    properties: mappings.Mapping, above: str = "", nested: bool = False
) -> list[tuple[str, MappedField]]:
    found = []
    for name, field in properties.items():
        within = nested or field.get("type") == "nested"
        found.append((above + name, _mapped(field, within)))
        found += _fields(field.get("properties", {}), f"{above}{name}.", within)
    return found


def _mapped(field: dict[str, Any], nested: bool) -> MappedField:
    indexed = field.get("index", True) and field.get("enabled", True)
    return MappedField(field.get("type", "object"), nested, indexed, field.get("doc_values", True))
