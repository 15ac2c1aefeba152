"""What every panel of a dashboard has, and the simple kinds: Markdown, links and tables of documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from kibana.objects.data_view import DataView
from kibana.objects.field_use import FieldUse, fields_in_search
from kibana.objects.kql import EVERYTHING, Kql
from kibana.saved_object import Reference, dumped

NO_QUERY = EVERYTHING.as_json()


@dataclass(frozen=True)
class Panel:
    """
    id: unique within its dashboard; must never change.
    title: a question or a noun; empty: none is shown.
    description: shown on demand (the `i` beside the title).
    uses: every field that the panel takes from an index.
    """

    id: str
    type: str
    title: str
    description: str
    config: dict[str, Any]
    references: tuple[Reference, ...] = ()
    uses: tuple[FieldUse, ...] = ()

    def leading_to(self, dashboard: str, label: str) -> Panel:
        """With a drilldown: a click on a value can open another dashboard, filtered by the value."""
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


def visualization(
    key: str,
    kind: str,
    title: str,
    description: str,
    params: dict[str, Any],
    uses: Iterable[FieldUse] = (),
) -> Panel:
    """A panel of the visualizations plugin, by value."""
    saved = {
        "id": "",
        "title": title,
        "description": description,
        "type": kind,
        "params": params,
        "uiState": {},
        "data": {"aggs": [], "searchSource": {"query": NO_QUERY, "filter": []}},
    }
    config = {"savedVis": saved, "enhancements": {}}
    return Panel(key, "visualization", title, description, config, uses=tuple(uses))


def links(key: str, targets: dict[str, str], elsewhere: tuple[dict[str, Any], ...] = ()) -> Panel:
    """A row of links to dashboards; filters and time range are passed on.

    Args:
        targets: dashboard id -> label.
        elsewhere: more of them, out of Kibana, as `external_link` makes them.
    """
    entries: list[dict[str, Any]] = []
    references = []
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
    entries += [one | {"order": order} for order, one in enumerate(elsewhere, len(entries))]
    config = {
        "attributes": {"layout": "horizontal", "links": entries},
        "enhancements": {},
        "hidePanelTitles": True,
    }
    return Panel(key, "links", "", "", config, tuple(references))


def external_link(key: str, label: str, address: str) -> dict[str, Any]:
    """An entry of `links`."""
    options = {"openInNewTab": False, "encodeUrl": True}
    return {"id": key, "type": "externalLink", "label": label, "destination": address, "options": options}


def documents(
    key: str,
    title: str,
    view: DataView,
    columns: dict[str, int | None],
    sort: list[tuple[str, str]],
    query: Kql | dict[str, Any] = EVERYTHING,
    description: str = "",
    row_height: int = 4,
) -> Panel:
    """A table of documents as in Discover, by value.

    Args:
        columns: field -> width in pixels; None: share the remaining width.
        query: in KQL or the query DSL. Kibana stores the latter as a Lucene query, the only kind for which it
            asks for scores.
        row_height: in lines of text; a thumbnail needs four.
    """
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    if isinstance(query, Kql):
        asked: dict[str, Any] = query.as_json()
        of_query = [FieldUse(view.pattern, field, "searched") for field in query.fields]
    else:
        asked = {"query": query, "language": "lucene"}
        of_query = list(fields_in_search(view.pattern, query))
    source = {"query": asked, "filter": [], "indexRefName": name}
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
    uses = [FieldUse(view.pattern, column, "shown") for column in columns]
    uses += [FieldUse(view.pattern, field, "aggregated") for field, _ in sort if field != "_score"]
    config = {"attributes": attributes, "enhancements": {}}
    return Panel(key, "search", title, description, config, (reference,), (*uses, *of_query))
