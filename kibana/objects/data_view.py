"""A data view: an index pattern with names, descriptions and formats for its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kibana.objects.saved_object import Reference, dumped, saved_object


@dataclass(frozen=True)
class Field:
    """How people see a field. Nothing here changes what is indexed."""

    label: str
    description: str
    format: dict[str, Any] | None = None


@dataclass(frozen=True)
class DataView:
    """
    pattern: indices and aliases, separated by commas.
    hidden: fields that Discover doesn't fetch.
    """

    id: str
    name: str
    pattern: str
    time_field: str
    fields: dict[str, Field]
    hidden: tuple[str, ...] = field(default=())

    def reference(self, name: str) -> Reference:
        return Reference("index-pattern", self.id, name)

    def saved_object(self) -> dict[str, Any]:
        attributes = {
            "title": self.pattern,
            "name": self.name,
            "timeFieldName": self.time_field,
            "sourceFilters": dumped([{"value": name} for name in self.hidden]),
            "fieldAttrs": dumped(
                {
                    name: {"customLabel": known.label, "customDescription": known.description}
                    for name, known in self.fields.items()
                }
            ),
            "fieldFormatMap": dumped(
                {name: known.format for name, known in self.fields.items() if known.format}
            ),
            "fields": "[]",
            "runtimeFieldMap": "{}",
            "typeMeta": "{}",
            # The alias may come later than the boards.
            "allowNoIndex": True,
        }
        return saved_object("index-pattern", self.id, attributes)


def image(template: str, height: int) -> dict[str, Any]:
    """A picture, ``height`` pixels high at most, whose address ``template`` makes of ``{{rawValue}}``."""
    params = {
        "type": "img",
        "urlTemplate": template,
        "labelTemplate": "photo",
        "width": str(2 * height),
        "height": str(height),
    }
    return {"id": "url", "params": params}


def link(template: str, label: str, same_tab: bool = False) -> dict[str, Any]:
    """A link made of ``{{value}}``, which comes encoded for an address."""
    params = {"type": "a", "urlTemplate": template, "labelTemplate": label, "openLinkInCurrentTab": same_tab}
    return {"id": "url", "params": params}


def number(pattern: str) -> dict[str, Any]:
    """A number by numeral.js's pattern."""
    return {"id": "number", "params": {"pattern": pattern}}


def duration() -> dict[str, Any]:
    """Nanoseconds, as people say them."""
    params = {
        "inputFormat": "nanoseconds",
        "outputFormat": "humanizePrecise",
        "outputPrecision": 1,
        "useShortSuffix": True,
    }
    return {"id": "duration", "params": params}


def lookup(entries: dict[str, str]) -> dict[str, Any]:
    """Other words for known values; the rest as they are."""
    params = {"lookupEntries": [{"key": key, "value": value} for key, value in entries.items()]}
    return {"id": "static_lookup", "params": params}
