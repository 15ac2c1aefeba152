"""The search that Kibana 8.19 makes of a data set's ``url``: it replaces the tokens (``%...%``).

From Kibana's source: ``src/platform/plugins/private/vis_types/vega/public/data_model/es_query_parser.ts``.
"""

from __future__ import annotations

import copy
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from board_preview.dashboard_context import DashboardContext
from board_preview.errors import PanelError

TIMEFILTER = "%timefilter%"
AUTOINTERVAL = "%autointerval%"
CLAUSES = {
    "%dashboard_context-filter_clause%": "filter",
    "%dashboard_context-must_clause%": "must",
    "%dashboard_context-must_not_clause%": "must_not",
}
"""Tokens within a list, each replaced by these clauses of the dashboard's query."""

INTERVALS = (
    (0.5, "100ms"),
    (5, "1s"),
    (7.5, "5s"),
    (15, "10s"),
    (45, "30s"),
    (180, "1m"),
    (450, "5m"),
    (1200, "10m"),
    (2700, "30m"),
    (7200, "1h"),
    (21600, "3h"),
    (86400, "12h"),
    (604800, "24h"),
    (1814400, "1w"),
    (3628800, "30d"),
)
"""(seconds per bucket at most, interval), from ``_roundInterval``."""


def search_request(url: dict[str, Any], context: DashboardContext) -> tuple[str, dict[str, Any]]:
    """The index and the body of the search.

    Raises:
        PanelError: Kibana refuses the tokens.
    """
    url = copy.deepcopy(url)
    body = url.get("body", {})
    uses_context = "%context%" in url or "%timefield%" in url
    if not isinstance(body, dict):
        raise PanelError("url.body must be an object")
    if "query" in body:
        if uses_context:
            raise PanelError("url.%context% and url.%timefield% must not be used when url.body.query is set")
        _inject(body["query"], context, is_query=True)
    elif uses_context:
        body["query"] = _context_query(url, context)
    _inject(body.get("aggs"), context, is_query=False)
    return url["index"], body


def _context_query(url: dict[str, Any], context: DashboardContext) -> dict[str, Any]:
    time = {"range": {url["%timefield%"]: _range({}, context)}} if url.get("%timefield%") else None
    if not url.get("%context%"):
        return time or {}
    clauses = context.clauses()
    if time:
        clauses["must"].append(time)
    return {"bool": clauses}


def _inject(value: Any, context: DashboardContext, is_query: bool, key: str | None = None) -> None:
    """Replaces the tokens within ``value``, in place.

    Args:
        key: of ``value``.
    """
    if isinstance(value, list):
        _inject_array(value, context, is_query)
    elif isinstance(value, dict):
        for name, inner in list(value.items()):
            if name == "interval" and key == "date_histogram":
                del value["interval"]
                value.update(_interval(inner, context))
            elif isinstance(inner, dict) and TIMEFILTER in inner:
                value[name] = _timefilter(inner, context)
            else:
                _inject(inner, context, is_query, name)


def _inject_array(items: list[Any], context: DashboardContext, is_query: bool) -> None:
    replaced: list[Any] = []
    for item in items:
        if is_query and isinstance(item, str) and item in CLAUSES:
            replaced += context.clauses()[CLAUSES[item]]
        else:
            _inject(item, context, is_query)
            replaced.append(item)
    items[:] = replaced


def _timefilter(options: dict[str, Any], context: DashboardContext) -> Any:
    wanted = options[TIMEFILTER]
    if wanted is True:
        return _range(options, context)
    if wanted in ("min", "max"):
        return int(_bound(options, context, wanted).timestamp() * 1000)
    raise PanelError('"%timefilter%" property must be set to true, "min", or "max"')


def _range(options: dict[str, Any], context: DashboardContext) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in (TIMEFILTER, "shift", "unit")}
    return kept | {
        "gte": _iso(_bound(options, context, "min")),
        "lte": _iso(_bound(options, context, "max")),
        "format": "strict_date_optional_time",
    }


def _bound(options: dict[str, Any], context: DashboardContext, which: str) -> datetime:
    bound = context.bounds()[0 if which == "min" else 1]
    if not (shift := options.get("shift")):
        return bound
    if not isinstance(shift, int | float):
        raise PanelError('"shift" must be a numeric value')
    units = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    words = {"week": "w", "day": "d", "hour": "h", "minute": "m", "second": "s"}
    unit = options.get("unit", "d")
    if (known := units.get(words.get(unit, unit))) is None:
        raise PanelError('Unknown "unit" value. Must be one of: ["week", "day", "hour", "minute", "second"]')
    return bound + timedelta(**{known: shift})


def _interval(wanted: Any, context: DashboardContext) -> dict[str, str]:
    """``fixed_interval`` or ``calendar_interval``; Elasticsearch has no ``interval``."""
    interval = wanted if isinstance(wanted, str) else _auto_interval(wanted, context)
    if not (found := re.fullmatch(r"([1-9]\d*)\s*(ms|[smhdwMy])", interval)):
        raise PanelError(f"Invalid interval format: {interval}")
    count, unit = int(found[1]), found[2]
    if unit in "wMy" and count > 1:
        raise PanelError(f"Invalid calendar interval: {interval}, value must be 1")
    calendar = unit not in ("ms", "s") and count == 1
    return {"calendar_interval" if calendar else "fixed_interval": interval}


def _auto_interval(wanted: dict[str, Any], context: DashboardContext) -> str:
    size = wanted.get(AUTOINTERVAL)
    if size is True:
        size = 50
    if not isinstance(size, int | float) or not size:
        raise PanelError('"%autointerval%" must be either true or a number')
    first, last = context.bounds()
    each = (last - first).total_seconds() / size
    return next((name for most, name in INTERVALS if each <= most), "1y")


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
