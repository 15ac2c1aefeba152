"""Saved objects as data classes: the one place that knows how Kibana nests JSON in strings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ParamSpec

P = ParamSpec("P")
Json = dict[str, Any]
SOURCE = "searchSourceJSON"


@dataclass(frozen=True)
class Target:
    """What a reference leads to."""

    type: str
    id: str


@dataclass(frozen=True)
class View:
    """A data view. ``attrs`` and ``formats``: field -> what is said of it."""

    id: str
    where: str
    pattern: str
    time_field: str
    attrs: Json
    formats: Json
    hidden: list[str]

    @property
    def parts(self) -> list[str]:
        """The indices and aliases of the pattern."""
        return [part.strip() for part in self.pattern.split(",")]


@dataclass(frozen=True)
class Panel:
    """
    grid: x, y, width, height.
    references: by the panel's own names, without the prefix that the dashboard puts before them.
    """

    id: str
    type: str
    where: str
    title: str
    config: Json
    grid: tuple[int, int, int, int]
    references: dict[str, Target]
    by_reference: str | None = None


@dataclass(frozen=True)
class Control:
    """field: empty for a time slider."""

    id: str
    type: str
    where: str
    field: str

    @property
    def reference(self) -> str:
        return f"controlGroup_{self.id}:{self.type.removesuffix('Control')}DataView"


@dataclass(frozen=True)
class Board:
    """
    attributes: as saved.
    source: the search source, the board's own query and filters.
    panels: those that could be read.
    panel_count: how many there are.
    """

    id: str
    where: str
    attributes: Json
    source: Json
    panels: list[Panel]
    panel_count: int
    controls: list[Control]
    references: dict[str, Target]


@dataclass
class Export:
    """All that could be read of a file, and in ``problems`` what couldn't."""

    objects: list[Json] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    boards: list[Board] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def guarded(
        self, where: str, check: Callable[P, Iterable[str]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Collects what ``check`` finds; a shape that it doesn't expect is a problem too."""
        try:
            self.problems += list(check(*args, **kwargs))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
            self.problems.append(
                f"{where}: not of the shape that Kibana 8.19 writes ({type(error).__name__}: {error}): "
                "export it anew"
            )

    def view(self, target: Target | None) -> View | None:
        return self.views.get(target.id) if target and target.type == "index-pattern" else None


def read(objects: list[Json]) -> Export:
    """Lines of an export; the summary that Kibana adds as the last is passed over."""
    export = Export()
    for number, one in enumerate(objects, 1):
        if isinstance(one, dict) and "exportedCount" in one:
            continue
        where = named(one) if isinstance(one, dict) else f"line {number}"
        export.guarded(where, _read, one, where, export)
    return export


def named(one: Json) -> str:
    return f"{one.get('type')} [{one.get('id')}]"


def loaded(text: str, what: str) -> Any:
    """
    Raises:
        ValueError: it isn't JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{what} isn't JSON: {error}") from None


def references(one: Json) -> dict[str, Target]:
    return {entry["name"]: Target(entry["type"], entry["id"]) for entry in one["references"]}


def _read(one: Json, where: str, export: Export) -> list[str]:
    kind, key = _text(one, "type"), _text(one, "id")
    if not isinstance(one["attributes"], dict):
        raise TypeError("attributes must be an object")
    references(one)
    export.objects.append(one)
    if kind == "index-pattern":
        export.views[key] = _view(one, where, export)
    elif kind == "dashboard":
        export.boards.append(_board(one, where, export))
    return []


def _text(holder: Json, name: str) -> str:
    value = holder[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string")
    return value


def _view(one: Json, where: str, export: Export) -> View:
    attributes = one["attributes"]

    def decoded(name: str, empty: str = "{}") -> Any:
        try:
            return loaded(attributes.get(name) or empty, name)
        except ValueError as error:
            export.problems.append(f"{where}: {error}")
            return loaded(empty, name)

    return View(
        id=one["id"],
        where=where,
        pattern=_text(attributes, "title"),
        time_field=attributes.get("timeFieldName") or "",
        attrs=dict(decoded("fieldAttrs").items()),
        formats=dict(decoded("fieldFormatMap").items()),
        hidden=[entry["value"] for entry in decoded("sourceFilters", "[]")],
    )


def _board(one: Json, where: str, export: Export) -> Board:
    attributes = one["attributes"]
    panels = loaded(attributes["panelsJSON"], "panelsJSON")
    board = Board(
        id=one["id"],
        where=where,
        attributes=attributes,
        source=_unpacked(attributes["kibanaSavedObjectMeta"])[SOURCE],
        panels=[],
        panel_count=len(panels),
        controls=[],
        references=references(one),
    )
    for number, panel in enumerate(panels):
        export.guarded(f"{where}, panel {number}", _add_panel, board, panel)
    group = attributes.get("controlGroupInput")
    controls = loaded(group["panelsJSON"], "panelsJSON of the controls") if group else {}
    for key, control in controls.items():
        at = f"{where}, control [{key}]"
        field_name = control["explicitInput"].get("fieldName", "")
        board.controls.append(Control(key, control["type"], at, field_name))
    return board


def _unpacked(value: Any) -> Any:
    """The value with every search source in it read."""
    if isinstance(value, list):
        return [_unpacked(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: loaded(one, key) if key == SOURCE else _unpacked(one) for key, one in value.items()}


def _add_panel(board: Board, panel: Json) -> list[str]:
    key, grid = panel["panelIndex"], panel["gridData"]
    config = _unpacked(panel["embeddableConfig"])
    prefix = f"{key}:"
    board.panels.append(
        Panel(
            id=key,
            type=panel["type"],
            where=f"{board.where}, panel [{key}]",
            title=config.get("title") or panel.get("title") or "",
            config=config,
            grid=(int(grid["x"]), int(grid["y"]), int(grid["w"]), int(grid["h"])),
            references={
                name.removeprefix(prefix): target
                for name, target in board.references.items()
                if name.startswith(prefix)
            },
            by_reference=panel.get("panelRefName"),
        )
    )
    return [] if grid["i"] == key else [f"{board.where}, panel [{key}]: gridData.i must be its panelIndex"]
