"""What Kibana 8.19 does to a Vega specification before Vega sees it, and the searches that it sends.

Read in Kibana's source: ``src/platform/plugins/private/vis_types/vega/public/data_model``
(``vega_parser.ts``, ``es_query_parser.ts``, ``search_api.ts``, ``utils.ts``) and its package
``kbn-es-query`` (``build_es_query.ts``, ``from_filters.ts``). Vega-Lite, maps and KQL other than the empty
query are not here: no board has them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from elasticsearch import ApiError, Elasticsearch

TIMEFILTER = "%timefilter%"
AUTOINTERVAL = "%autointerval%"
CLAUSES = {
    "%dashboard_context-filter_clause%": "filter",
    "%dashboard_context-must_clause%": "must",
    "%dashboard_context-must_not_clause%": "must_not",
}
"""Tokens that stand in an array, and whose place the clauses of the dashboard's query take."""


class PanelError(Exception):
    """Kibana shows this text in red instead of the panel."""


@dataclass(frozen=True)
class Context:
    """What a dashboard tells its panels.

    query: ``{"query", "language"}`` of the search bar; Lucene: a string, or a query's JSON; KQL: only the
        empty query.
    filters: filter pills as Kibana keeps them: ``{"query", "meta": {"negate", "disabled", ...}}``.
    time_from, time_to: an ISO date, or ``now`` with offsets, such as ``now-15y``.
    """

    query: dict[str, Any] = field(default_factory=lambda: {"query": "", "language": "kuery"})
    filters: tuple[dict[str, Any], ...] = ()
    time_from: str = "now-15m"
    time_to: str = "now"

    def clauses(self) -> dict[str, list[Any]]:
        """The clauses of the dashboard's bool query, which never has its time range.

        Raises:
            PanelError: a KQL query that isn't empty.
        """
        filters = [found for found in self.filters if not found.get("meta", {}).get("disabled")]
        negated = [found for found in filters if found.get("meta", {}).get("negate")]
        plain = [found for found in filters if found not in negated]
        return {
            "must": [clause for clause in [_query(self.query)] if clause != {"match_all": {}}],
            "filter": [clause for clause in map(_filter, plain) if clause != {"match_all": {}}],
            "should": [],
            "must_not": [_filter(found) for found in negated],
        }

    def bounds(self) -> tuple[datetime, datetime]:
        now = datetime.now(timezone.utc)
        return _time(self.time_from, now), _time(self.time_to, now)


@dataclass(frozen=True)
class Panel:
    """A panel as Vega gets it.

    spec: the specification, the answers of Elasticsearch in the ``values`` of its data sets.
    config: ``config.kibana`` of the specification: ``renderer``, ``tooltips``, ``hideWarnings``.
    resize: whether the drawing follows the panel's size.
    warnings: what Kibana shows above the drawing, in yellow.
    """

    spec: dict[str, Any]
    config: dict[str, Any]
    resize: bool
    warnings: tuple[str, ...]


def prepare(spec: dict[str, Any], context: Context, es: Elasticsearch) -> Panel:
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
        data["values"] = _search(es, *request(url, context))
    warnings, resize = _autosize(spec)
    return Panel(spec, config, resize, () if config.get("hideWarnings") else tuple(warnings))


def request(url: dict[str, Any], context: Context) -> tuple[str, dict[str, Any]]:
    """The index and the body that Kibana sends for a data set's ``url``.

    Raises:
        PanelError: the tokens are used as Kibana doesn't take them.
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


def _context_query(url: dict[str, Any], context: Context) -> dict[str, Any]:
    time = {"range": {url["%timefield%"]: _range({}, context)}} if url.get("%timefield%") else None
    if not url.get("%context%"):
        return time or {}
    clauses = context.clauses()
    if time:
        clauses["must"].append(time)
    return {"bool": clauses}


def _inject(value: Any, context: Context, is_query: bool, key: str | None = None) -> None:
    """Replaces the tokens below ``value``, in place. ``key``: where ``value`` stands."""
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


def _inject_array(items: list[Any], context: Context, is_query: bool) -> None:
    replaced: list[Any] = []
    for item in items:
        if is_query and isinstance(item, str) and item in CLAUSES:
            replaced += context.clauses()[CLAUSES[item]]
        else:
            _inject(item, context, is_query)
            replaced.append(item)
    items[:] = replaced


def _timefilter(options: dict[str, Any], context: Context) -> Any:
    wanted = options[TIMEFILTER]
    if wanted is True:
        return _range(options, context)
    if wanted in ("min", "max"):
        return int(_bound(options, context, wanted).timestamp() * 1000)
    raise PanelError('"%timefilter%" property must be set to true, "min", or "max"')


def _range(options: dict[str, Any], context: Context) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in (TIMEFILTER, "shift", "unit")}
    return kept | {
        "gte": _iso(_bound(options, context, "min")),
        "lte": _iso(_bound(options, context, "max")),
        "format": "strict_date_optional_time",
    }


def _bound(options: dict[str, Any], context: Context, which: str) -> datetime:
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


def _interval(wanted: Any, context: Context) -> dict[str, str]:
    """``fixed_interval`` or ``calendar_interval``, which Elasticsearch asks for in place of ``interval``."""
    interval = wanted if isinstance(wanted, str) else _auto_interval(wanted, context)
    if not (found := re.fullmatch(r"([1-9]\d*)\s*(ms|[smhdwMy])", interval)):
        raise PanelError(f"Invalid interval format: {interval}")
    count, unit = int(found[1]), found[2]
    if unit in "wMy" and count > 1:
        raise PanelError(f"Invalid calendar interval: {interval}, value must be 1")
    calendar = unit not in ("ms", "s") and count == 1
    return {"calendar_interval" if calendar else "fixed_interval": interval}


def _auto_interval(wanted: dict[str, Any], context: Context) -> str:
    size = wanted.get(AUTOINTERVAL)
    if size is True:
        size = 50
    if not isinstance(size, int | float) or not size:
        raise PanelError('"%autointerval%" must be either true or a number')
    first, last = context.bounds()
    each = (last - first).total_seconds() / size
    return next((name for most, name in _INTERVALS if each <= most), "1y")


# Up to so many seconds a bucket: that interval (_roundInterval of es_query_parser.ts).
_INTERVALS = (
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


def _search(es: Elasticsearch, index: str, body: dict[str, Any]) -> dict[str, Any]:
    """Sends what Kibana's server sends: it ignores indices that aren't there, counts all hits, and gives
    ``hits.total`` as a number."""
    params = {"ignore_unavailable": True, "track_total_hits": body.pop("track_total_hits", True)}
    headers = {"accept": "application/json", "content-type": "application/json"}
    try:
        answer = es.perform_request(
            "POST", f"/{index}/_search", params=params, headers=headers, body=body
        ).body
    except ApiError as error:
        raise PanelError(reason(error)) from None
    found: dict[str, Any] = answer
    found["hits"]["total"] = found["hits"].get("total", {}).get("value", 0)
    return found


def reason(error: ApiError) -> str:
    """Elasticsearch's error in the words that Kibana shows (``create_es_error.ts``): of the first shard that
    failed, else the innermost."""
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
    """Every data set that has an object as ``url``, wherever it stands."""
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
    """Lets the drawing take the panel's whole size, unless the specification says ``none``."""
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


# Of the light theme of 8.x: getVegaThemeColors in utils.ts.
_GRID, _TITLE, _LABEL, _MARK = "#eef0f3", "#343741", "#69707D", "#54B399"


def _set_default_colors(spec: dict[str, Any]) -> None:
    config = spec.setdefault("config", {})
    mark = config.get("mark", {})
    if "color" not in mark and "fill" not in mark:
        for kind in ("arc", "area", "rect", "symbol", "trail"):
            config.setdefault(kind, {}).setdefault("fill", _MARK)
        for kind in ("line", "path", "rule", "shape"):
            config.setdefault(kind, {}).setdefault("stroke", _MARK)
    config.setdefault("range", {}).setdefault("category", {"scheme": "elastic"})
    style = config.setdefault("style", {})
    style.setdefault("guide-label", {}).setdefault("fill", _LABEL)
    for name in ("guide-title", "group-title", "group-subtitle"):
        style.setdefault(name, {}).setdefault("fill", _TITLE)
    for name in ("tickColor", "domainColor", "gridColor"):
        config.setdefault("axis", {}).setdefault(name, _GRID)
    config["axis"].setdefault("titleFontWeight", 500)
    config.setdefault("area", {}).setdefault("fillOpacity", 0.2)
    config.setdefault("background", "transparent")


def _query(query: dict[str, Any]) -> dict[str, Any]:
    wanted = query.get("query", "")
    if isinstance(wanted, dict):
        return wanted
    if not wanted.strip():
        return {"match_all": {}}
    if query.get("language") != "lucene":
        raise PanelError("the preview understands no KQL but the empty query")
    return {"query_string": {"query": wanted, "analyze_wildcard": True}}


def _filter(pill: dict[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in pill.items() if name not in ("meta", "$state")}
    found: dict[str, Any] = bare.get("query") or bare
    return found


def _time(text: str, now: datetime) -> datetime:
    if not text.startswith("now"):
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    if not re.fullmatch(r"now([+-]\d+[smhdwMy])*", text):
        raise PanelError(f"the preview understands no time like {text}")
    for sign, count, unit in re.findall(r"([+-])(\d+)([smhdwMy])", text):
        days = {"w": 7, "M": 30, "y": 365.2425}.get(unit)
        size = timedelta(days=days) if days else timedelta(**{_UNITS.get(unit, "days"): 1})
        now += size * int(sign + count)
    return now


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
