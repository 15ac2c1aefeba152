"""All saved objects, and the file of them: ``python -m kibana.build`` writes it."""

from __future__ import annotations

from kibana.boards import TAG, data_views, exploration, face_search, ingest_health, probes
from kibana.client import SavedObject, ndjson
from kibana.console_links import markdown
from kibana.importing import SHIPPED
from kibana.objects.saved_object import saved_object
from kibana.verdicts import NOT_CALIBRATED, Verdicts, said_by


def objects(verdicts: Verdicts = NOT_CALIBRATED) -> list[SavedObject]:
    """Every saved object: what is referred to comes first.

    Args:
        verdicts: whose lines the boards draw; a file of those that aren't calibrated is committed.
    """
    tag = saved_object(
        "tag", TAG, {"name": "ingest-face", "description": "Photos searchable by face", "color": "#6092C0"}
    )
    boards = (
        face_search.board(markdown(1, 4, 5, 6, 7, verdicts=verdicts), verdicts),
        probes.board(markdown(2, 3, 10, verdicts=verdicts), verdicts),
        exploration.board(markdown(8, 9, 11, verdicts=verdicts), verdicts),
        ingest_health.board(markdown(12)),
    )
    return [
        tag,
        *(view.saved_object() for view in data_views.ALL),
        *(board.saved_object() for board in boards),
    ]


def with_lines_of(one: SavedObject, copy: SavedObject) -> SavedObject | None:
    """One of ours as it is built with the lines that its copy in Kibana shows; None if it shows none."""
    if (verdicts := said_by(copy)) is None:
        return None
    key = one["type"], one["id"]
    return next((built for built in objects(verdicts) if (built["type"], built["id"]) == key), None)


def text() -> str:
    """The file that is committed and imported."""
    return ndjson(objects())


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
