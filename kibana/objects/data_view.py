"""A data view: an index pattern with names, descriptions and formats for its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kibana.objects.field_use import FieldUse
from kibana.saved_object import Reference, SavedObject, dumped, saved_object


@dataclass(frozen=True)
class Field:
    """How Kibana shows a field. Nothing here changes what is indexed."""

    label: str
    description: str
    format: dict[str, Any] | None = None


@dataclass(frozen=True)
class DataView:
    """
    pattern: indices and aliases, separated by commas.
    fields: field -> how it is shown.
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

    def uses(self) -> Iterator[FieldUse]:
        yield FieldUse(self.pattern, self.time_field, "date")
        for name in self.fields:
            yield FieldUse(self.pattern, name, "shown")

    def saved_object(self) -> SavedObject:
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
            # The alias may be created after the boards.
            "allowNoIndex": True,
        }
        return saved_object("index-pattern", self.id, attributes)


def image(template: str, height: int) -> dict[str, Any]:
    """A picture of at most ``height`` pixels; ``template`` makes its address of ``{{rawValue}}``."""
    params = {
        "type": "img",
        "urlTemplate": template,
        "labelTemplate": "photo",
        "width": str(2 * height),
        "height": str(height),
    }
    return {"id": "url", "params": params}


def link(template: str, label: str) -> dict[str, Any]:
    """A link built from ``{{value}}``, which Kibana encodes for an address."""
    params = {"type": "a", "urlTemplate": template, "labelTemplate": label, "openLinkInCurrentTab": False}
    return {"id": "url", "params": params}


def number(pattern: str) -> dict[str, Any]:
    """A number, in a pattern of numeral.js."""
    return {"id": "number", "params": {"pattern": pattern}}


def duration() -> dict[str, Any]:
    """Nanoseconds in the unit that fits, such as `1.5 s`."""
    params = {
        "inputFormat": "nanoseconds",
        "outputFormat": "humanizePrecise",
        "outputPrecision": 1,
        "useShortSuffix": True,
    }
    return {"id": "duration", "params": params}


def lookup(entries: dict[str, str]) -> dict[str, Any]:
    """Replaces known values by other words; other values stay as they are."""
    params = {"lookupEntries": [{"key": key, "value": value} for key, value in entries.items()]}
    return {"id": "static_lookup", "params": params}
