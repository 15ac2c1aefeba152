"""All saved objects, and the file of them: ``python -m kibana.build`` writes it."""

from __future__ import annotations

from typing import Any

from kibana.boards import TAG, data_views, exploration, face_search, ingest_health, probes
from kibana.client import ndjson
from kibana.console_links import markdown
from kibana.importing import SHIPPED
from kibana.objects.saved_object import saved_object


def objects() -> list[dict[str, Any]]:
    """Every saved object: what is referred to comes first."""
    tag = saved_object(
        "tag", TAG, {"name": "ingest-face", "description": "Photos searchable by face", "color": "#6092C0"}
    )
    boards = (
        face_search.board(markdown(1, 4, 5, 6, 7)),
        probes.board(markdown(2, 3, 10)),
        exploration.board(markdown(8, 9, 11)),
        ingest_health.board(markdown(12)),
    )
    return [
        tag,
        *(view.saved_object() for view in data_views.ALL),
        *(board.saved_object() for board in boards),
    ]


if __name__ == "__main__":
    SHIPPED.write_text(ndjson(objects()), encoding="utf-8")
