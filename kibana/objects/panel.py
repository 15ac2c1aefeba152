"""What all panels of a dashboard have, whatever they show, and the kinds that are quickly said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kibana.objects.data_view import DataView
from kibana.objects.saved_object import Reference, dumped

NO_QUERY = {"query": "", "language": "kuery"}


@dataclass(frozen=True)
class Panel:
    """
    id: within its dashboard; stays the same for ever.
    title: a question or a noun that a person understands; empty: none is shown.
    description: what a person sees who asks for more.
    """

    id: str
    type: str
    title: str
    description: str
    config: dict[str, Any]
    references: tuple[Reference, ...] = ()

    def leading_to(self, dashboard: str, label: str) -> Panel:
        """With a drilldown: who clicks a value may go on to another dashboard, the value as its filter."""
        event = {
            "eventId": f"{self.id}-to-{dashboard}",
            "triggers": ["FILTER_TRIGGER"],
            "action": {
                "factoryId": "DASHBOARD_TO_DASHBOARD_DRILLDOWN",
                "name": label,
                "config": {"useCurrentFilters": True, "useCurrentDateRange": True, "openInNewTab": False},
            },
        }
        name = f"drilldown:DASHBOARD_TO_DASHBOARD_DRILLDOWN:{event['eventId']}:dashboardId"
        events = self.config["enhancements"].get("dynamicActions", {}).get("events", [])
        return replace(
            self,
            config=self.config | {"enhancements": {"dynamicActions": {"events": [*events, event]}}},
            references=(*self.references, Reference("dashboard", dashboard, name)),
        )


def markdown(key: str, title: str, text: str, description: str = "") -> Panel:
    params = {"fontSize": 12, "openLinksInNewTab": False, "markdown": text}
    return visualization(key, "markdown", title, description, params)


def visualization(key: str, kind: str, title: str, description: str, params: dict[str, Any]) -> Panel:
    """A panel of the visualizations' plugin, by value."""
    saved = {
        "id": "",
        "title": title,
        "description": description,
        "type": kind,
        "params": params,
        "uiState": {},
        "data": {"aggs": [], "searchSource": {"query": NO_QUERY, "filter": []}},
    }
    return Panel(key, "visualization", title, description, {"savedVis": saved, "enhancements": {}})


def links(key: str, targets: dict[str, str]) -> Panel:
    """A row of links to dashboards, which keep filters and time range.

    Args:
        targets: dashboard's id -> what the link says.
    """
    entries, references = [], []
    for order, (dashboard, label) in enumerate(targets.items()):
        name = f"link_{dashboard}_dashboard"
        entries.append(
            {
                "id": dashboard,
                "type": "dashboardLink",
                "label": label,
                "order": order,
                "destinationRefName": name,
                "options": {
                    "openInNewTab": False,
                    "useCurrentDateRange": True,
                    "useCurrentFilters": True,
                },
            }
        )
        references.append(Reference("dashboard", dashboard, name))
    config = {
        "attributes": {"layout": "horizontal", "links": entries},
        "enhancements": {},
        "hidePanelTitles": True,
    }
    return Panel(key, "links", "", "", config, tuple(references))


def documents(
    key: str,
    title: str,
    view: DataView,
    columns: dict[str, int | None],
    sort: list[tuple[str, str]],
    query: str | dict[str, Any] = "",
    description: str = "",
    row_height: int = 4,
) -> Panel:
    """A table of documents as in Discover, by value.

    Args:
        columns: field -> width in pixels; None: what is left.
        query: in KQL; or of the query DSL, which stands in Lucene's place, and there alone gives scores.
        row_height: in lines of text; a thumbnail needs four.
    """
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    language = "kuery" if isinstance(query, str) else "lucene"
    source = {"query": {"query": query, "language": language}, "filter": [], "indexRefName": name}
    reference = view.reference(name)
    attributes = {
        "title": title,
        "description": description,
        "columns": list(columns),
        "sort": [list(pair) for pair in sort],
        "grid": {"columns": {column: {"width": width} for column, width in columns.items() if width}},
        "hideChart": True,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "rowHeight": row_height,
        "headerRowHeight": 1,
        "rowsPerPage": 25,
        "kibanaSavedObjectMeta": {"searchSourceJSON": dumped(source)},
        "references": [reference.as_json()],
    }
    return Panel(
        key, "search", title, description, {"attributes": attributes, "enhancements": {}}, (reference,)
    )
