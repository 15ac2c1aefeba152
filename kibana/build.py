"""Builds all saved objects. ``python -m kibana.build`` writes the file of them."""

from __future__ import annotations

from dataclasses import dataclass

from kibana.boards import TAG, data_views, exploration, face_search, ingest_health, probes, with_desk
from kibana.console_links import markdown
from kibana.desk_link import desk_of
from kibana.importing import SHIPPED
from kibana.objects.dashboard import Dashboard
from kibana.objects.data_view import DataView
from kibana.saved_object import SavedObject, ndjson, saved_object
from kibana.verdicts import NOT_CALIBRATED, Verdicts, stated_by


@dataclass(frozen=True)
class Content:
    """The tag's id, the data views and the boards, before they are put into Kibana's form."""

    tag: str
    views: tuple[DataView, ...]
    dashboards: tuple[Dashboard, ...]

    def saved_objects(self) -> list[SavedObject]:
        """Every saved object; an object comes after those that it refers to."""
        attributes = {"name": "ingest-face", "description": "Photos searchable by face", "color": "#6092C0"}
        return [
            saved_object("tag", self.tag, attributes),
            *(view.saved_object() for view in self.views),
            *(dashboard.saved_object() for dashboard in self.dashboards),
        ]


def content(verdicts: Verdicts = NOT_CALIBRATED, desk: str | None = None) -> Content:
    """
    Args:
        verdicts: the thresholds that the boards show. The committed file has the uncalibrated ones.
        desk: the address of the desk, which the boards link to. The committed file has none.
    """
    boards = (
        face_search.board(markdown(1, 4, 5, 6, 7, verdicts=verdicts), verdicts),
        probes.board(markdown(2, 3, 10, verdicts=verdicts), verdicts),
        exploration.board(markdown(8, 9, 11, verdicts=verdicts), verdicts),
        ingest_health.board(markdown(12)),
    )
    return Content(TAG, data_views.ALL, tuple(with_desk(board, desk) for board in boards))


def objects(verdicts: Verdicts = NOT_CALIBRATED, desk: str | None = None) -> list[SavedObject]:
    """Every saved object, with the thresholds of ``verdicts`` and a link to the desk."""
    return content(verdicts, desk).saved_objects()


def with_settings_of(one: SavedObject, copy: SavedObject) -> SavedObject | None:
    """Our object, built with the thresholds that its copy in Kibana states and the link to the desk that it
    has; None if it is no board."""
    if one["type"] != "dashboard":
        return None
    key, verdicts = (one["type"], one["id"]), stated_by(copy) or stated_by(one) or NOT_CALIBRATED
    every = objects(verdicts, desk_of(copy))
    return next((built for built in every if (built["type"], built["id"]) == key), None)


def text() -> str:
    """The content of the committed file."""
    return ndjson(objects())


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
