"""What Kibana 8.19 does to a Vega specification before Vega gets it, with the data from Elasticsearch.

From Kibana's source, below ``src/platform/plugins/private/vis_types/vega/public/data_model``:
``vega_parser.ts``, ``search_api.ts``, ``utils.ts``. Vega-Lite and maps aren't supported: no board has them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from board_preview.dashboard_context import DashboardContext
from board_preview.errors import PanelError
from board_preview.search_request import search_request

GRID_COLOR, TITLE_COLOR, LABEL_COLOR, MARK_COLOR = "#eef0f3", "#343741", "#69707D", "#54B399"
"""Of the light theme of Kibana 8 (``getVegaThemeColors`` in ``utils.ts``)."""


@dataclass(frozen=True)
class PreparedPanel:
    """A panel in the form that Vega gets.

    spec: the specification, with Elasticsearch's answers in the ``values`` of its data sets.
    config: ``config.kibana`` of the specification: ``renderer``, ``tooltips``, ``hideWarnings``.
    resize: whether the drawing takes the panel's size.
    warnings: shown by Kibana in yellow above the drawing.
    """

    spec: dict[str, Any]
    config: dict[str, Any]
    resize: bool
    warnings: tuple[str, ...]


def prepare(spec: dict[str, Any], context: DashboardContext, es: Elasticsearch) -> PreparedPanel:
    """Applies Kibana's rules and asks Elasticsearch for the data.

    Raises:
        PanelError: Kibana would show this instead of the panel.
    """
    spec = copy.deepcopy(spec)
    if "/vega/" not in str(spec.get("$schema")):
        raise PanelError('The URL for the JSON "$schema" is incorrect. Correct the URL, then click Update.')
    config = spec.get("config", {}).pop("kibana", {})
    _set_default_colors(spec)
    for data in _with_url(spec):
        url = data.pop("url")
        if url.get("%type%", "elasticsearch") != "elasticsearch":
            raise PanelError(f'url: {{"%type%": "{url["%type%"]}"}} is not supported')
        data["values"] = _search(es, *search_request(url, context))
    warnings, resize = _autosize(spec)
    return PreparedPanel(spec, config, resize, () if config.get("hideWarnings") else tuple(warnings))


def _search(es: Elasticsearch, index: str, body: dict[str, Any]) -> dict[str, Any]:
    """As Kibana's server: missing indices are ignored, all hits are counted, ``hits.total`` is a number."""
    params = {"ignore_unavailable": True, "track_total_hits": body.pop("track_total_hits", True)}
    headers = {"accept": "application/json", "content-type": "application/json"}
    try:
        answer = es.perform_request(
            "POST", f"/{index}/_search", params=params, headers=headers, body=body
        ).body
    except ApiError as error:
        raise PanelError(_reason(error)) from None
    found: dict[str, Any] = answer
    found["hits"]["total"] = found["hits"].get("total", {}).get("value", 0)
    return found


def _reason(error: ApiError) -> str:
    """The part of Elasticsearch's error that Kibana shows (``create_es_error.ts``): the reason of the first
    failed shard, or else the innermost one."""
    cause: Any = error.body.get("error") if isinstance(error.body, dict) else None
    while isinstance(cause, dict):
        if cause.get("failed_shards"):
            cause = cause["failed_shards"][0]["reason"]
            break
        if not cause.get("caused_by"):
            break
        cause = cause["caused_by"]
    return str(cause.get("reason") or "unknown") if isinstance(cause, dict) else "unknown"


def _with_url(value: Any, key: str | None = None) -> Iterator[dict[str, Any]]:
    """Every data set whose ``url`` is an object, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _with_url(item, key)
    elif isinstance(value, dict):
        if key == "data" and isinstance(value.get("url"), dict):
            if "values" in value or "source" in value:
                raise PanelError('Data must not have more than one of "url", "values", and "source"')
            yield value
            return
        for name, inner in value.items():
            yield from _with_url(inner, name)


def _autosize(spec: dict[str, Any]) -> tuple[list[str], bool]:
    """Makes the drawing fill the panel, unless ``autosize`` is ``none``.

    Returns:
        Warnings, and whether the drawing takes the panel's size.
    """
    wanted = spec.get("autosize", {})
    if isinstance(wanted, dict) and "signal" in wanted:
        return [], False
    kind = {"type": wanted} if isinstance(wanted, str) else wanted
    spec["autosize"] = {"type": "fit", "contains": "padding"} | (kind or {})
    resize = spec["autosize"]["type"] != "none"
    warnings = []
    if resize:
        if any(spec.get(side, "container") != "container" for side in ("width", "height")):
            warnings.append(
                '"width" and "height" params are ignored because "autosize" is enabled. '
                'Set "autosize": "none" to disable'
            )
        spec["width"] = spec["height"] = "container"
    return warnings, resize


def _set_default_colors(spec: dict[str, Any]) -> None:
    config = spec.setdefault("config", {})
    mark = config.get("mark", {})
    if "color" not in mark and "fill" not in mark:
        for kind in ("arc", "area", "rect", "symbol", "trail"):
            config.setdefault(kind, {}).setdefault("fill", MARK_COLOR)
        for kind in ("line", "path", "rule", "shape"):
            config.setdefault(kind, {}).setdefault("stroke", MARK_COLOR)
    config.setdefault("range", {}).setdefault("category", {"scheme": "elastic"})
    style = config.setdefault("style", {})
    style.setdefault("guide-label", {}).setdefault("fill", LABEL_COLOR)
    for name in ("guide-title", "group-title", "group-subtitle"):
        style.setdefault(name, {}).setdefault("fill", TITLE_COLOR)
    for name in ("tickColor", "domainColor", "gridColor"):
        config.setdefault("axis", {}).setdefault(name, GRID_COLOR)
    config["axis"].setdefault("titleFontWeight", 500)
    config.setdefault("area", {}).setdefault("fillOpacity", 0.2)
    config.setdefault("background", "transparent")
