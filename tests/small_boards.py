"""A few boards to import, smaller than ours."""

from __future__ import annotations

import json

from kibana.saved_object import SavedObject

PANELS = [{"type": "lens", "gridData": {"x": 0, "y": 0, "w": 24, "h": 12}, "embeddableConfig": {}}]


def board(name: str, title: str, view: str = "photos") -> SavedObject:
    return {
        "type": "dashboard",
        "id": name,
        "attributes": {
            "title": title,
            "description": "Größe → 顔\u2028in a second line",
            "panelsJSON": json.dumps(PANELS),
        },
        "references": [
            {"type": "tag", "id": "faces", "name": "tag-faces"},
            {"type": "index-pattern", "id": view, "name": "p1:indexpattern-datasource-layer-l1"},
        ],
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "10.2.0",
    }


OBJECTS: list[SavedObject] = [
    {"type": "tag", "id": "faces", "attributes": {"name": "Faces", "color": "#6092C0"}, "references": []},
    {
        "type": "index-pattern",
        "id": "photos",
        "attributes": {
            "title": "faces",
            "name": "Photos",
            "fieldAttrs": '{"people":{"customLabel":"People"}}',
        },
        "references": [],
    },
    board("search", "Face search"),
    board("health", "Ingest health"),
]
