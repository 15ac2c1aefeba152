"""What a dashboard tells its panels: its query, filters and time range, as clauses of Elasticsearch.

From Kibana's package ``kbn-es-query`` (``build_es_query.ts``, ``from_filters.ts``). The only KQL query
that is supported is the empty one, because no board has another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from board_preview.errors import PanelError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class DashboardContext:
    """Query, filters and time range of a dashboard.

    query: ``{"query", "language"}`` of the search bar. In Lucene: a string, or a query as JSON.
    filters: as Kibana stores them: ``{"query", "meta": {"negate", "disabled", ...}}``.
    time_from, time_to: an ISO date, or ``now`` with offsets, such as ``now-15y``.
    """

    query: dict[str, Any] = field(default_factory=lambda: {"query": "", "language": "kuery"})
    filters: tuple[dict[str, Any], ...] = ()
    time_from: str = "now-15m"
    time_to: str = "now"

    def clauses(self) -> dict[str, list[Any]]:
        """The clauses of the dashboard's bool query, which doesn't include the time range.

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


def _query(query: dict[str, Any]) -> dict[str, Any]:
    wanted = query.get("query", "")
    if isinstance(wanted, dict):
        return wanted
    if not wanted.strip():
        return {"match_all": {}}
    if query.get("language") != "lucene":
        raise PanelError("the preview supports no KQL except the empty query")
    return {"query_string": {"query": wanted, "analyze_wildcard": True}}


def _filter(pill: dict[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in pill.items() if name not in ("meta", "$state")}
    found: dict[str, Any] = bare.get("query") or bare
    return found


def _time(text: str, now: datetime) -> datetime:
    if not text.startswith("now"):
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    if not re.fullmatch(r"now([+-]\d+[smhdwMy])*", text):
        raise PanelError(f"the preview supports no time like [{text}]")
    for sign, count, unit in re.findall(r"([+-])(\d+)([smhdwMy])", text):
        days = {"w": 7, "M": 30, "y": 365.2425}.get(unit)
        size = timedelta(days=days) if days else timedelta(**{UNITS.get(unit, "days"): 1})
        now += size * int(sign + count)
    return now
