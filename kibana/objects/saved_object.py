"""One saved object, as a line of Kibana's export."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

CORE_VERSION = "8.8.0"
VERSIONS = {"dashboard": "10.2.0", "index-pattern": "8.0.0", "tag": "8.0.0"}
"""Not newer than Kibana 8.19's own, which for dashboards is 10.3.0: what is newer than the server is refused,
what is older it raises."""


@dataclass(frozen=True)
class Reference:
    """To another saved object. ``name`` is what the object that refers calls it."""

    type: str
    id: str
    name: str

    def within(self, panel: str) -> Reference:
        """As a dashboard names what one of its panels refers to."""
        return Reference(self.type, self.id, f"{panel}:{self.name}")

    def as_json(self) -> dict[str, str]:
        return {"type": self.type, "id": self.id, "name": self.name}


def saved_object(
    kind: str, key: str, attributes: dict[str, Any], references: list[Reference] | None = None
) -> dict[str, Any]:
    """
    Args:
        kind: Kibana's type.
        key: the object's id, which stays the same for ever.
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
    """JSON in a string, as Kibana keeps what it doesn't index."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
