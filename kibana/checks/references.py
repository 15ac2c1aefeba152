"""References: each leads to an object of the file, each is used, and each use has one.

Kibana itself only reports missing data views and searches; a tag, a dashboard or a link that leads nowhere is
imported in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from kibana.checks import lens
from kibana.checks.reading import Board, Export, Json, Panel, Target, named

NAMING = {
    # key that holds a reference's name -> type of what it leads to
    "indexRefName": "index-pattern",
    "indexPatternRefName": "index-pattern",
    "destinationRefName": "dashboard",
}
FREE_DRILLDOWNS = ("DASHBOARD_TO_DASHBOARD_DRILLDOWN", "OPEN_IN_DISCOVER_DRILLDOWN")


def check(export: Export) -> None:
    there = {(one["type"], one["id"]) for one in export.objects}
    for one in export.objects:
        export.guarded(named(one), _targets, one, there)
    for board in export.boards:
        export.guarded(board.where, _board, board)
        for panel in board.panels:
            export.guarded(panel.where, _inner, panel)
            export.guarded(panel.where, _drilldowns, panel)


def _targets(one: Json, there: set[tuple[str, str]]) -> Iterator[str]:
    where = named(one)
    for name, count in Counter(entry["name"] for entry in one["references"]).items():
        if count > 1:
            yield f"{where}: {count} references have the name [{name}]: keep one"
    for entry in one["references"]:
        if (entry["type"], entry["id"]) not in there:
            yield (
                f"{where}: its reference [{entry['name']}] leads to {named(entry)}, which isn't in the file: "
                "add that or drop the reference"
            )
        if one["type"] != "dashboard":
            yield f"{where}: nothing uses its reference [{entry['name']}]: drop it"


def _board(board: Board) -> Iterator[str]:
    wanted = dict(_used(board))
    for name, kind in wanted.items():
        found = board.references.get(name)
        if found is None:
            yield f"{board.where}: no reference has the name [{name}], which is used: add it"
        elif kind not in ("", found.type):
            yield f"{board.where}: reference [{name}] leads to a {found.type}, must be of type {kind}"
    if len(board.panels) < board.panel_count:
        return
    for name, target in board.references.items():
        if name not in wanted and target.type != "tag":
            yield f"{board.where}: nothing uses its reference [{name}]: drop it, or use it"


def _used(board: Board) -> Iterator[tuple[str, str]]:
    """Every name that a reference must have, with the type of what it leads to, where that is known."""
    yield from _named(board.source)
    for control in board.controls:
        if control.field:
            yield control.reference, "index-pattern"
    for panel in board.panels:
        for name, kind in _used_by(panel):
            yield f"{panel.id}:{name}", kind


def _used_by(panel: Panel) -> Iterator[tuple[str, str]]:
    if panel.by_reference:
        yield panel.by_reference, panel.type
    yield from _named(panel.config)
    for event in drilldowns(panel):
        factory = event["action"]["factoryId"]
        if factory == "DASHBOARD_TO_DASHBOARD_DRILLDOWN":
            yield f"drilldown:{factory}:{event['eventId']}:dashboardId", "dashboard"
    if panel.type == "lens" and not panel.by_reference:
        for layer in lens.layers(panel):
            yield layer.reference, "index-pattern"
        for one in panel.config["attributes"]["state"].get("filters", []):
            if one["meta"].get("index"):
                yield one["meta"]["index"], "index-pattern"


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in NAMING:
                yield one, NAMING[key]
            else:
                yield from _named(one)


def _inner(panel: Panel) -> Iterator[str]:
    """A panel by value has its references twice: the dashboard's count, but both must say the same."""
    attributes = panel.config.get("attributes") or {}
    for entry in attributes.get("references", []):
        if panel.references.get(entry["name"]) != Target(entry["type"], entry["id"]):
            yield (
                f"{panel.where}: its reference [{entry['name']}] isn't the dashboard's "
                f"[{panel.id}:{entry['name']}]: make them the same"
            )


def drilldowns(panel: Panel) -> list[Json]:
    actions = (panel.config.get("enhancements") or {}).get("dynamicActions") or {}
    return list(actions.get("events", []))


def _drilldowns(panel: Panel) -> Iterator[str]:
    events = drilldowns(panel)
    for key, count in Counter(event["eventId"] for event in events).items():
        if count > 1:
            yield f"{panel.where}: {count} drilldowns have the id [{key}]: give each its own"
    for event in events:
        if event["action"]["factoryId"] not in FREE_DRILLDOWNS:
            yield (
                f"{panel.where}: a drilldown [{event['action']['factoryId']}] needs a licence above Basic: "
                f"take one of {', '.join(FREE_DRILLDOWNS)}"
            )
        if not event["action"].get("name"):
            yield f"{panel.where}: the drilldown [{event['eventId']}] has no name: say where it leads"
