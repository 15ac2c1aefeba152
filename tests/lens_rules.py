"""What Kibana 8.19 asks Elasticsearch for a Lens chart or a table of documents, and the rows it makes of the
answer. Strict: what no board uses is refused.

From Kibana's source: Lens's ``to_expression.ts`` and ``operations/definitions`` say which aggregation each
column becomes, the data plugin's ``search/aggs`` how they nest, ``kbn-es-query`` what KQL becomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kibana import build
from kibana.checks import kql, lens
from kibana.checks.kql import And, Is, Not, Or, Within
from kibana.checks.lens import Layer
from kibana.checks.reading import Board, Export, Panel, View, read

Json = dict[str, Any]


def shipped(kind: str) -> Iterator[tuple[Board, Panel, View, Layer | None]]:
    """Every panel of ``lens`` (a row a layer) or ``search``."""
    export = read(build.objects())
    for board in export.boards:
        for panel in board.panels:
            if panel.type == kind == "lens":
                for layer in lens.layers(panel):
                    yield board, panel, view_of(export, panel, layer.reference), layer
            elif panel.type == kind:
                source = panel.config["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]
                yield board, panel, view_of(export, panel, source["indexRefName"]), None


def view_of(export: Export, panel: Panel, reference: str) -> View:
    return export.views[panel.references[reference].id]


def chart(panel: Panel, layer: Layer, view: View, when: tuple[str, str]) -> Json:
    """The body of a chart's search.

    Args:
        when: the board's time range.
    """
    state = panel.config["attributes"]["state"]
    if state["filters"]:
        raise NotImplementedError("filters of a panel")
    buckets = [name for name in layer.order if layer.columns[name]["isBucketed"]]
    return {
        "size": 0,
        "track_total_hits": True,
        "query": _narrowed(state["query"], view, when),
        "aggs": _nested(layer, buckets),
    }


def rows(layer: Layer, answer: Json) -> list[dict[str, Any]]:
    """A row a combination of buckets: column -> key or value."""
    buckets = [name for name in layer.order if layer.columns[name]["isBucketed"]]
    whole = {"doc_count": answer["hits"]["total"]["value"], **answer.get("aggregations", {})}
    return list(_rows(layer, buckets, whole, {}))


def table(panel: Panel, view: View, when: tuple[str, str]) -> Json:
    """The body of the search for a table of documents."""
    attributes = panel.config["attributes"]
    source = attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]
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


def filter_of(text: str) -> Json:
    """KQL as a query."""
    node = kql.parse(text)
    return {"match_all": {}} if node is None else _query(node)


def _query(node: kql.Node) -> Json:
    if isinstance(node, And):
        return {"bool": {"filter": [_query(part) for part in node.parts]}}
    if isinstance(node, Or):
        return _any([_query(part) for part in node.parts])
    if isinstance(node, Not):
        return {"bool": {"must_not": _query(node.inner)}}
    if isinstance(node, Within):
        return _any([{"range": {node.field: {node.bound: node.value}}}])
    return _any([_has(node)])


def _has(node: Is) -> Json:
    if node.quoted:
        return {"match_phrase": {node.field: node.value}}
    if node.value == "*":
        return {"exists": {"field": node.field}}
    if "*" in node.value:
        raise NotImplementedError(f"a pattern [{node.value}]")
    return {"match": {node.field: node.value}}


def _any(queries: list[Json]) -> Json:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _narrowed(query: Json, view: View, when: tuple[str, str]) -> Json:
    time = {"range": {view.time_field: {"gte": when[0], "lte": when[1]}}}
    if query["language"] == "lucene":
        return {"bool": {"must": [query["query"]], "filter": [time]}}
    return {"bool": {"filter": [filter_of(query["query"]), time]}}


def _nested(layer: Layer, buckets: list[str]) -> Json:
    """Each bucket within the one before, and all metrics in the innermost; a metric that orders a bucket
    beside it too."""
    metrics = [name for name in layer.order if not layer.columns[name]["isBucketed"]]
    if not buckets:
        return {name: made for name in metrics if (made := _metric(layer.columns[name]))}
    name, *within = buckets
    aggregation, ordering = _bucket(layer, name)
    return {name: aggregation | {"aggs": ordering | _nested(layer, within)}}


def _bucket(layer: Layer, name: str) -> tuple[Json, Json]:
    column = layer.columns[name]
    params, field = column["params"], column.get("sourceField")
    if column["operationType"] == "terms":
        order, ordering = _order(layer, params)
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


def _order(layer: Layer, params: Json) -> tuple[Json, Json]:
    """What a bucket is ordered by, and the aggregation beside it that this needs."""
    if params["otherBucket"] or params["missingBucket"]:
        raise NotImplementedError("buckets for what is other or missing")
    by, direction = params["orderBy"], params["orderDirection"]
    if by["type"] == "alphabetical":
        return {"_key": direction}, {}
    if by["type"] != "column":
        raise NotImplementedError(f"an order by {by['type']}")
    column = layer.columns[by["columnId"]]
    if column.get("filter") or column["operationType"] == "percentile":
        raise NotImplementedError("an order by a filtered metric or a percentile")
    metric = _metric(column)
    return ({by["columnId"]: direction}, {by["columnId"]: metric}) if metric else ({"_count": direction}, {})


def _metric(column: Json) -> Json | None:
    """None for a count of documents, which every bucket has without asking."""
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


def _rows(layer: Layer, buckets: list[str], holder: Json, keys: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not buckets:
        metrics = [name for name in layer.order if not layer.columns[name]["isBucketed"]]
        yield keys | {name: _value(layer.columns[name], holder, holder.get(name)) for name in metrics}
        return
    name, *within = buckets
    found = holder[name]["buckets"]
    pairs = found.items() if isinstance(found, dict) else ((one["key"], one) for one in found)
    for key, bucket in pairs:
        yield from _rows(layer, within, bucket, keys | {name: key})


def _value(column: Json, holder: Json, found: Json | None) -> Any:
    if "filter" in column:
        holder, found = found, found.get("metric")
    if found is None:
        return holder["doc_count"]
    return next(iter(found["values"].values())) if "values" in found else found["value"]


def time_range(board_id: str) -> tuple[str, str]:
    """From when to when a board shows, as it opens."""
    (saved,) = (one for one in build.objects() if (one["type"], one["id"]) == ("dashboard", board_id))
    return saved["attributes"]["timeFrom"], saved["attributes"]["timeTo"]
