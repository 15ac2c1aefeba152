"""What Kibana 8.19 asks Elasticsearch for a Lens chart or a table of documents, and the rows it makes of the
answer. Refuses whatever no board uses.

From Kibana's source: Lens's ``to_expression.ts`` and ``operations/definitions`` say which aggregation each
column becomes, the data plugin's ``search/aggs`` how they are nested, ``kbn-es-query`` what KQL becomes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kibana import build
from kibana.objects.dashboard import Dashboard
from kibana.objects.data_view import DataView
from kibana.objects.lens import LAYER
from kibana.objects.panel import Panel

Json = dict[str, Any]
CLAUSE = re.compile(r"(\S+) (:|<|>=) (\S+)")
"""Of the KQL that boards use."""


def shipped(kind: str) -> Iterator[tuple[Dashboard, Panel, DataView]]:
    """Every panel of the type ``lens`` or ``search``."""
    content = build.content()
    views = {view.id: view for view in content.views}
    for board in content.dashboards:
        for panel in board.panels:
            if panel.type == kind:
                (view,) = [views[one.id] for one in panel.references if one.type == "index-pattern"]
                yield board, panel, view


def chart(panel: Panel, view: DataView, when: tuple[str, str]) -> Json:
    """The body of a chart's search.

    Args:
        when: the board's time range.
    """
    state = panel.config["attributes"]["state"]
    if state["filters"]:
        raise NotImplementedError("filters of a panel")
    return {
        "size": 0,
        "track_total_hits": True,
        "query": _narrowed(state["query"], view, when),
        "aggs": _nested(_columns(panel), _buckets(panel)),
    }


def rows(panel: Panel, answer: Json) -> list[dict[str, Any]]:
    """One row per combination of buckets: column -> key or value."""
    whole = {"doc_count": answer["hits"]["total"]["value"], **answer.get("aggregations", {})}
    return list(_rows(_columns(panel), _buckets(panel), whole, {}))


def table(panel: Panel, view: DataView, when: tuple[str, str]) -> Json:
    """The body of the search for a table of documents."""
    attributes = panel.config["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    if source["filter"]:
        raise NotImplementedError("filters of a panel")
    sort = [
        {field: {"order": order} | ({} if field == "_score" else {"unmapped_type": "boolean"})}
        for field, order in attributes["sort"]
    ]
    return {
        "size": 500,
        "query": _narrowed(source["query"], view, when),
        "sort": sort,
        "fields": [{"field": "*"}],
        "_source": False,
    }


def time_range(board_id: str) -> tuple[str, str]:
    """The time range with which a board opens."""
    (saved,) = (one for one in build.objects() if (one["type"], one["id"]) == ("dashboard", board_id))
    return saved["attributes"]["timeFrom"], saved["attributes"]["timeTo"]


def _columns(panel: Panel) -> Json:
    layers = panel.config["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    return layers[LAYER]["columns"]


def _buckets(panel: Panel) -> list[str]:
    return [name for name, column in _columns(panel).items() if column["isBucketed"]]


def filter_of(text: str) -> Json:
    """KQL as a query."""
    if not text:
        return {"match_all": {}}
    clauses = [_clause(clause) for clause in text.split(" and ")]
    return clauses[0] if len(clauses) == 1 else {"bool": {"filter": clauses}}


def _clause(text: str) -> Json:
    if text.startswith("not "):
        return {"bool": {"must_not": _clause(text.removeprefix("not "))}}
    if not (found := CLAUSE.fullmatch(text)):
        raise NotImplementedError(f"KQL like [{text}]")
    field, sign, value = found.groups()
    if sign != ":":
        return _any([{"range": {field: {{"<": "lt", ">=": "gte"}[sign]: value}}}])
    if value == "*":
        return _any([{"exists": {"field": field}}])
    if "*" in value or '"' in value:
        raise NotImplementedError(f"a value like [{value}]")
    return _any([{"match": {field: value}}])


def _any(queries: list[Json]) -> Json:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _narrowed(query: Json, view: DataView, when: tuple[str, str]) -> Json:
    time = {"range": {view.time_field: {"gte": when[0], "lte": when[1]}}}
    if query["language"] == "lucene":
        return {"bool": {"must": [query["query"]], "filter": [time]}}
    return {"bool": {"filter": [filter_of(query["query"]), time]}}


def _nested(columns: Json, buckets: list[str]) -> Json:
    """Each bucket within the one before, and all metrics in the innermost. A metric that orders a bucket is
    beside it, too."""
    metrics = [name for name in columns if not columns[name]["isBucketed"]]
    if not buckets:
        return {name: made for name in metrics if (made := _metric(columns[name]))}
    name, *within = buckets
    aggregation, ordering = _bucket(columns, name)
    return {name: aggregation | {"aggs": ordering | _nested(columns, within)}}


def _bucket(columns: Json, name: str) -> tuple[Json, Json]:
    column = columns[name]
    params, field = column["params"], column.get("sourceField")
    if column["operationType"] == "terms":
        order, ordering = _order(columns, params)
        return {"terms": {"field": field, "size": params["size"], "order": order}}, ordering
    if column["operationType"] == "range":
        if params["type"] != "range":
            raise NotImplementedError(f"ranges of type {params['type']}")
        bounds = [{"from": one["from"], "to": one["to"]} for one in params["ranges"]]
        return {"range": {"field": field, "ranges": bounds, "keyed": True}}, {}
    if column["operationType"] == "filters":
        cases = {one["label"]: filter_of(one["input"]["query"]) for one in params["filters"]}
        return {"filters": {"filters": cases}}, {}
    raise NotImplementedError(f"a bucket by {column['operationType']}")


def _order(columns: Json, params: Json) -> tuple[Json, Json]:
    """The order of a bucket, and the aggregation beside it that the order needs."""
    if params["otherBucket"] or params["missingBucket"]:
        raise NotImplementedError("buckets for what is other or missing")
    by, direction = params["orderBy"], params["orderDirection"]
    if by["type"] == "alphabetical":
        return {"_key": direction}, {}
    if by["type"] != "column":
        raise NotImplementedError(f"an order by {by['type']}")
    column = columns[by["columnId"]]
    if column.get("filter") or column["operationType"] == "percentile":
        raise NotImplementedError("an order by a filtered metric or a percentile")
    metric = _metric(column)
    return ({by["columnId"]: direction}, {by["columnId"]: metric}) if metric else ({"_count": direction}, {})


def _metric(column: Json) -> Json | None:
    """None for a count of documents, which every bucket has anyway."""
    plain = _plain_metric(column)
    if "filter" not in column:
        return plain
    inner = {"aggs": {"metric": plain}} if plain else {}
    return {"filter": filter_of(column["filter"]["query"])} | inner


def _plain_metric(column: Json) -> Json | None:
    operation, field = column["operationType"], column["sourceField"]
    if operation == "count":
        assert field == "___records___"
        return None
    if operation in ("sum", "max"):
        return {operation: {"field": field}}
    if operation == "unique_count":
        return {"cardinality": {"field": field}}
    if operation == "percentile":
        return {"percentiles": {"field": field, "percents": [column["params"]["percentile"]]}}
    raise NotImplementedError(f"a metric by {operation}")


def _rows(columns: Json, buckets: list[str], holder: Json, keys: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not buckets:
        metrics = [name for name in columns if not columns[name]["isBucketed"]]
        yield keys | {name: _value(columns[name], holder, holder.get(name)) for name in metrics}
        return
    name, *within = buckets
    found = holder[name]["buckets"]
    pairs = found.items() if isinstance(found, dict) else ((one["key"], one) for one in found)
    for key, bucket in pairs:
        yield from _rows(columns, within, bucket, keys | {name: key})


def _value(column: Json, holder: Json, found: Json | None) -> Any:
    if "filter" in column:
        holder, found = found, found.get("metric")
    if found is None:
        return holder["doc_count"]
    return next(iter(found["values"].values())) if "values" in found else found["value"]
