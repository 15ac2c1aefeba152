"""A Vega panel with photos, and a board with such panels."""

from __future__ import annotations

import json

FILTER = "{bool: {must: [{match_all: {}}], should: [{ids: {values: [datum._id], boost: 1000}}]}}"


def gallery(index: str = "faces", url: str = "'data:image/jpeg;base64,' + datum._source.thumbnail") -> dict:
    """Madonna's photos side by side; a click on one chooses it."""
    query = {"bool": {"filter": [{"term": {"people": "Madonna"}}, "%dashboard_context-filter_clause%"]}}
    body = {"size": 5, "query": query, "sort": "@timestamp", "_source": ["thumbnail"]}
    click = {"events": "@photo:click", "update": f"kibanaAddFilter({FILTER}, '{index}', 'The chosen face')"}
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "data": [
            {
                "name": "photos",
                "url": {"index": "faces", "body": body},
                "format": {"property": "hits.hits"},
                "transform": [{"type": "window", "ops": ["row_number"], "as": ["place"]}],
            }
        ],
        "signals": [{"name": "chosen", "on": [click]}],
        "scales": [
            {
                "name": "x",
                "type": "band",
                "range": "width",
                "domain": {"data": "photos", "field": "place"},
                "padding": 0.1,
            }
        ],
        "marks": [
            {
                "type": "image",
                "name": "photo",
                "from": {"data": "photos"},
                "encode": {
                    "enter": {"url": {"signal": url}, "tooltip": {"signal": "{photo: datum._id}"}},
                    "update": {
                        "x": {"scale": "x", "field": "place"},
                        "width": {"scale": "x", "band": 1},
                        "height": {"signal": "height"},
                    },
                },
            },
            {
                "type": "text",
                "name": "id",
                "from": {"data": "photos"},
                "encode": {
                    "update": {
                        "x": {"scale": "x", "field": "place"},
                        "y": {"signal": "height"},
                        "text": {"signal": "datum._id"},
                        "limit": {"scale": "x", "band": 1},
                    }
                },
            },
        ],
    }


def board(*specs: dict) -> list[dict]:
    """Saved objects of a dashboard, as Kibana exports them, with a panel by value for each specification."""
    panels = [
        {
            "type": "visualization",
            "panelIndex": f"p{number}",
            "gridData": {"x": 0, "y": 0, "w": 24, "h": 10, "i": f"p{number}"},
            "embeddableConfig": {
                "savedVis": {
                    "title": f"Panel {number}?",
                    "type": "vega",
                    "params": {"spec": json.dumps(spec)},
                }
            },
        }
        for number, spec in enumerate(specs, 1)
    ]
    panels.append(panels[0] | {"type": "lens", "embeddableConfig": {}})
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    dashboard = {
        "type": "dashboard",
        "id": "board",
        "references": [],
        "attributes": {
            "title": "Who: is this",
            "panelsJSON": json.dumps(panels),
            "timeRestore": True,
            "timeFrom": "now-50y",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
    }
    view = {"type": "index-pattern", "id": "faces", "references": [], "attributes": {"title": "faces"}}
    return [dashboard, view]
