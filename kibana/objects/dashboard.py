"""A dashboard: rows of panels, and controls above them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kibana.objects.data_view import DataView
from kibana.objects.field_use import FieldUse, Need
from kibana.objects.panel import NO_QUERY, Panel
from kibana.saved_object import Reference, SavedObject, dumped, saved_object

COLUMNS = 48
"""Of Kibana's grid. A row of it is 20 pixels high, with 8 between rows."""

ALL_TIME = ("now-100y", "now+100y")
"""Kibana has no "all time". The end is in the future, because a camera's clock may be ahead."""

ControlKind = Literal["optionsListControl", "rangeSliderControl", "timeSlider"]
CONTROL_NEEDS: dict[ControlKind, Need] = {"optionsListControl": "keyword", "rangeSliderControl": "number"}


@dataclass(frozen=True)
class Row:
    """Panels beside each other, which fill the grid's width.

    height: in rows of the grid.
    panels: (panel, width in columns).
    """

    height: int
    panels: tuple[tuple[Panel, int], ...]


@dataclass(frozen=True)
class Control:
    """``field``: empty for a time slider. ``step``: of a range slider."""

    id: str
    kind: ControlKind
    title: str
    field: str = ""
    step: float | None = None


@dataclass(frozen=True)
class Dashboard:
    id: str
    title: str
    description: str
    view: DataView
    controls: tuple[Control, ...]
    rows: tuple[Row, ...]
    tag: str

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel, _ in row.panels)

    def control_uses(self) -> Iterator[FieldUse]:
        """The field of each control."""
        for control in self.controls:
            if need := CONTROL_NEEDS.get(control.kind):
                yield FieldUse(self.view.pattern, control.field, need, part=f"control [{control.id}]")

    def saved_object(self) -> SavedObject:
        panels, references = [], []
        top = 0
        for row in self.rows:
            left = 0
            for panel, width in row.panels:
                panels.append(_placed(panel, left, top, width, row.height))
                references += [reference.within(panel.id) for reference in panel.references]
                left += width
            top += row.height
        controls, of_controls = self._controls()
        attributes = {
            "title": self.title,
            "description": self.description,
            "version": 3,
            "panelsJSON": dumped(panels),
            "optionsJSON": dumped(
                {
                    "useMargins": True,
                    "syncColors": True,
                    "syncCursor": True,
                    "syncTooltips": False,
                    "hidePanelTitles": False,
                }
            ),
            "timeRestore": True,
            "timeFrom": ALL_TIME[0],
            "timeTo": ALL_TIME[1],
            "refreshInterval": {"pause": True, "value": 60000},
            "kibanaSavedObjectMeta": {"searchSourceJSON": dumped({"query": NO_QUERY, "filter": []})},
            "controlGroupInput": controls,
        }
        tag = Reference("tag", self.tag, f"tag-ref-{self.tag}")
        return saved_object("dashboard", self.id, attributes, [*references, *of_controls, tag])

    def _controls(self) -> tuple[dict[str, Any], list[Reference]]:
        panels, references = {}, []
        for order, control in enumerate(self.controls):
            explicit: dict[str, Any] = {"id": control.id, "title": control.title, "enhancements": {}}
            if control.kind != "timeSlider":
                kind = control.kind.removesuffix("Control")
                explicit["fieldName"] = control.field
                references.append(self.view.reference(f"controlGroup_{control.id}:{kind}DataView"))
            if control.step is not None:
                explicit["step"] = control.step
            panels[control.id] = {
                "type": control.kind,
                "order": order,
                "grow": True,
                "width": "medium",
                "explicitInput": explicit,
            }
        group = {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "showApplySelections": False,
            "ignoreParentSettingsJSON": dumped(
                {
                    "ignoreFilters": False,
                    "ignoreQuery": False,
                    "ignoreTimerange": False,
                    "ignoreValidations": False,
                }
            ),
            "panelsJSON": dumped(panels),
        }
        return group, references


def _placed(panel: Panel, left: int, top: int, width: int, height: int) -> dict[str, Any]:
    shown = {"title": panel.title, "description": panel.description} if panel.title else {}
    return {
        "type": panel.type,
        "panelIndex": panel.id,
        "gridData": {"x": left, "y": top, "w": width, "h": height, "i": panel.id},
        "embeddableConfig": {**panel.config, **shown},
        "title": panel.title,
    }
