"""Kibana's saved objects: one object, and the file of them that Kibana exports and imports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SavedObject = dict[str, Any]
Key = tuple[str, str]
"""(type, id) of a saved object."""

CORE_VERSION = "8.8.0"
VERSIONS = {"dashboard": "10.2.0", "index-pattern": "8.0.0", "tag": "8.0.0"}
"""Must not be newer than Kibana 8.19's own (10.3.0 for dashboards): Kibana migrates older objects and refuses
newer ones."""


@dataclass(frozen=True)
class Reference:
    """A reference to another saved object. ``name`` is what the referring object calls it."""

    type: str
    id: str
    name: str

    def within(self, panel: str) -> Reference:
        """The same reference as a dashboard names it for one of its panels."""
        return Reference(self.type, self.id, f"{panel}:{self.name}")

    def as_json(self) -> dict[str, str]:
        return {"type": self.type, "id": self.id, "name": self.name}


def saved_object(
    kind: str, key: str, attributes: dict[str, Any], references: list[Reference] | None = None
) -> SavedObject:
    """
    Args:
        kind: Kibana's type.
        key: the object's id; must never change.
    """
    return {
        "id": key,
        "type": kind,
        "attributes": attributes,
        "references": [reference.as_json() for reference in references or []],
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": VERSIONS[kind],
        "managed": False,
    }


def dumped(value: object) -> str:
    """JSON in a string, which is how Kibana stores whatever it doesn't index."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ndjson(objects: Iterable[SavedObject]) -> str:
    """One object per line with sorted keys, as in Kibana's own export."""
    return "".join(
        json.dumps(one, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n" for one in objects
    )


def parsed(text: str) -> list[SavedObject]:
    """The reverse of ``ndjson``. Splits at newlines only: a text may contain other characters that
    ``str.splitlines`` takes for line ends.

    Raises:
        ValueError: a line isn't JSON.
    """
    return [json.loads(line) for line in text.split("\n") if line.strip()]
