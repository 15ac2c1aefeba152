"""What Kibana makes of a Vega specification: each rule, seen in what a real Elasticsearch answers."""

from __future__ import annotations

import copy

import pytest
from elasticsearch import Elasticsearch

from board_preview.dashboard_context import DashboardContext
from board_preview.errors import PanelError
from board_preview.prepared_panel import prepare
from board_preview.search_request import search_request
from es_setup.embedded import local_node, plugins
from faces.local_stack import working_folder

pytestmark = pytest.mark.usefixtures("scene")

ALL_TIME = {"time_from": "2000-01-01T00:00:00Z", "time_to": "2100-01-01T00:00:00Z"}
FIRST_WEEK = {"time_from": "2026-03-02T00:00:00Z", "time_to": "2026-03-08T23:59:59Z"}
LOBBY = {"query": {"term": {"observer.name": "Lobby"}}, "meta": {}}
MADONNA = {"query": {"term": {"people": "Madonna"}}, "meta": {}}


def spec(url: dict, **more: object) -> dict:
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "data": [{"name": "hits", "url": url, **more}],
    }


@pytest.fixture
def answer(es: Elasticsearch):
    """What Kibana gets for a data set's `url`."""

    def ask(url: dict, context: DashboardContext) -> dict:
        return prepare(spec(url), context, es).spec["data"][0]["values"]

    return ask


@pytest.fixture
def names(answer):
    """The ids of the documents that a query (or a whole `url`) finds."""

    def ask(query: dict | None = None, context: DashboardContext | None = None, **url: object) -> set[str]:
        body = {"size": 200, "_source": False} | ({"query": query} if query else {})
        found = answer({"index": "faces", "body": body, **url}, context or DashboardContext(**ALL_TIME))
        return {hit["_id"] for hit in found["hits"]["hits"]}

    return ask


@pytest.fixture
def where(es: Elasticsearch):
    """The ids of the documents that a plain query finds, asked without any of Kibana's rules."""

    def ask(*clauses: dict, without: tuple[dict, ...] = ()) -> set[str]:
        query = {"bool": {"filter": list(clauses), "must_not": list(without)}}
        return {hit["_id"] for hit in es.search(index="faces", size=200, query=query)["hits"]["hits"]}

    return ask


def test_the_context_narrows_a_panel_to_the_filters_of_the_dashboard(names, where):
    context = DashboardContext(filters=(LOBBY, MADONNA), **ALL_TIME)
    assert names(context=context, **{"%context%": True}) == where(LOBBY["query"], MADONNA["query"]) != set()


def test_without_the_context_a_panel_ignores_the_dashboard(names, where):
    assert names(context=DashboardContext(filters=(LOBBY,), **FIRST_WEEK)) == where()


def test_a_negated_filter_excludes_and_a_disabled_one_does_nothing(names, where):
    negated = LOBBY | {"meta": {"negate": True}}
    disabled = MADONNA | {"meta": {"disabled": True}}
    found = names(context=DashboardContext(filters=(negated, disabled), **ALL_TIME), **{"%context%": True})
    assert found == where(without=(LOBBY["query"],))


@pytest.mark.parametrize("query", ["observer.name:Lobby", {"term": {"observer.name": "Lobby"}}])
def test_a_lucene_query_narrows_written_as_text_or_as_json(names, where, query):
    context = DashboardContext(query={"query": query, "language": "lucene"}, **ALL_TIME)
    assert names(context=context, **{"%context%": True}) == where(LOBBY["query"])


def test_the_time_picker_narrows_by_the_time_field_alone(names, where):
    week = {"range": {"@timestamp": {"gte": FIRST_WEEK["time_from"], "lte": FIRST_WEEK["time_to"]}}}
    context = DashboardContext(filters=(LOBBY,), **FIRST_WEEK)
    assert names(context=context, **{"%timefield%": "@timestamp"}) == where(week)
    both = {"%context%": True, "%timefield%": "@timestamp"}
    assert names(context=context, **both) == where(week, LOBBY["query"]) != set()
    assert names(context=context, **{"%context%": True}) == where(LOBBY["query"]), "the context has no time"


@pytest.mark.parametrize("filters", [(), (LOBBY,), (LOBBY, MADONNA)])
def test_the_filter_clause_takes_its_place_between_others(names, where, filters):
    one_face, named = {"term": {"face_count": 1}}, {"exists": {"field": "people"}}
    query = {"bool": {"filter": [one_face, "%dashboard_context-filter_clause%", named]}}
    expected = where(one_face, named, *(pill["query"] for pill in filters))
    assert names(query, DashboardContext(filters=filters, **ALL_TIME)) == expected != set()


def test_the_must_and_must_not_clauses_are_the_lucene_query_and_the_negated_filters(names, where):
    query = {
        "bool": {
            "must": ["%dashboard_context-must_clause%"],
            "must_not": ["%dashboard_context-must_not_clause%"],
        }
    }
    negated = MADONNA | {"meta": {"negate": True}}
    lucene = {"query": "observer.name:Lobby", "language": "lucene"}
    found = names(query, DashboardContext(query=lucene, filters=(negated,), **ALL_TIME))
    assert found == where(LOBBY["query"], without=(MADONNA["query"],)) != set()


def nearest(size: int) -> dict:
    """A gallery: the faces nearest to the chosen photo's, among the dashboard's rows."""
    seed = {"index": "faces", "query": ["%dashboard_context-filter_clause%"]}
    knn = {
        "field": "faces.vector",
        "k": size,
        "num_candidates": 200,
        "query_vector_builder": {"face": {"filter": seed}},
    }
    return {
        "bool": {
            "must": [{"nested": {"path": "faces", "query": {"knn": knn}}}],
            "filter": ["%dashboard_context-filter_clause%"],
        }
    }


def test_a_click_chooses_the_face_that_a_gallery_looks_for_and_hides_no_row(answer):
    def found(*filters: dict) -> list[str]:
        body = {"size": 30, "_source": False, "query": nearest(30)}
        hits = answer({"index": "faces", "body": body}, DashboardContext(filters=filters, **ALL_TIME))
        return [hit["_id"] for hit in hits["hits"]["hits"]]

    def click(key: str) -> dict:
        ids = {"ids": {"values": [key], "boost": 1000}}
        return {"query": {"bool": {"must": [{"match_all": {}}], "should": [ids]}}, "meta": {}}

    for key in ("portrait-madonna-3", "portrait-elton_john-5"):
        first, *others = found(click(key))
        assert first == key
        assert len(others) > 10


def test_a_time_filter_becomes_a_range_or_an_edge_of_it(names, where):
    week = {"range": {"@timestamp": {"gte": FIRST_WEEK["time_from"], "lte": FIRST_WEEK["time_to"]}}}
    context = DashboardContext(**FIRST_WEEK)
    assert names({"range": {"@timestamp": {"%timefilter%": True}}}, context) == where(week)
    edges = {"gte": {"%timefilter%": "min"}, "lte": {"%timefilter%": "max"}}
    assert names({"range": {"@timestamp": edges}}, context) == where(week)


@pytest.mark.parametrize("unit", ["w", "week"])
def test_a_time_filter_can_be_shifted(names, where, unit):
    second = {"range": {"@timestamp": {"gte": "2026-03-09T00:00:00Z", "lte": "2026-03-15T23:59:59Z"}}}
    shifted = {"range": {"@timestamp": {"%timefilter%": True, "shift": 1, "unit": unit}}}
    assert names(shifted, DashboardContext(**FIRST_WEEK)) == where(second) != set()


@pytest.mark.parametrize(
    ("interval", "days", "sent"),
    [
        ({"%autointerval%": True}, 7, {"fixed_interval": "3h"}),
        ({"%autointerval%": 10}, 7, {"fixed_interval": "12h"}),
        ({"%autointerval%": True}, 30, {"fixed_interval": "12h"}),
        ("1d", 7, {"calendar_interval": "1d"}),
        ("2d", 7, {"fixed_interval": "2d"}),
    ],
)
def test_a_histogram_gets_the_interval_that_fits_the_time(answer, interval, days, sent):
    histogram = {"field": "@timestamp", "interval": interval}
    url = {"index": "faces", "body": {"size": 0, "aggs": {"when": {"date_histogram": histogram}}}}
    context = DashboardContext(
        time_from="2026-03-02T00:00:00Z", time_to=f"2026-03-{2 + days - 1:02}T23:59:59Z"
    )
    assert search_request(url, context)[1]["aggs"]["when"]["date_histogram"] == {"field": "@timestamp"} | sent
    assert answer(url, context)["aggregations"]["when"]["buckets"]


def test_now_and_what_lies_before_it_are_times(names, where):
    assert (
        names({"range": {"@timestamp": {"%timefilter%": True}}}, DashboardContext(time_from="now-50y"))
        == where()
    )
    assert (
        names({"range": {"@timestamp": {"%timefilter%": True}}}, DashboardContext(time_from="now-15m"))
        == set()
    )


def test_hits_are_counted_to_the_end_and_their_total_is_a_number(answer, where):
    assert answer({"index": "faces", "body": {"size": 0}}, DashboardContext())["hits"]["total"] == len(
        where()
    )


def test_an_index_that_is_not_there_has_no_rows(answer):
    assert answer({"index": "no-such-index", "body": {}}, DashboardContext())["hits"]["hits"] == []


def test_every_data_set_below_a_specification_is_filled_and_the_specification_itself_stays_as_it_is(es):
    inner = {"name": "own", "url": {"index": "face-gallery", "body": {"size": 3}}}
    outer = spec({"index": "faces", "body": {"size": 2}}) | {"marks": [{"type": "group", "data": [inner]}]}
    before = copy.deepcopy(outer)
    found = prepare(outer, DashboardContext(), es).spec
    assert len(found["data"][0]["values"]["hits"]["hits"]) == 2
    assert len(found["marks"][0]["data"][0]["values"]["hits"]["hits"]) == 3
    assert outer == before


CONTEXT_AND_QUERY = {"index": "faces", "%context%": True, "body": {"query": {"match_all": {}}}}


@pytest.mark.parametrize(
    ("broken", "fact"),
    [
        (spec(CONTEXT_AND_QUERY), "url.%context% and url.%timefield%"),
        (spec({"index": "faces", "body": []}), "url.body"),
        (spec({"index": "faces"}, values=[]), '"url", "values", and "source"'),
        (spec({"%type%": "sql"}), '{"%type%": "sql"}'),
        ({"data": []}, '"$schema"'),
        (
            spec({"index": "faces", "body": {"query": {"range": {"a": {"%timefilter%": "now"}}}}}),
            'true, "min", or "max"',
        ),
        (
            spec(
                {
                    "index": "faces",
                    "body": {"query": {"range": {"a": {"%timefilter%": True, "shift": 1, "unit": "y"}}}},
                }
            ),
            '["week", "day", "hour", "minute", "second"]',
        ),
    ],
)
def test_what_kibana_refuses_is_refused(es, broken, fact):
    with pytest.raises(PanelError) as refused:
        prepare(broken, DashboardContext(), es)
    assert fact in str(refused.value)


def test_a_token_outside_of_the_query_stays_as_it_is_and_elasticsearch_refuses_it(es):
    knn = {
        "field": "faces.vector",
        "k": 1,
        "num_candidates": 5,
        "filter": ["%dashboard_context-filter_clause%"],
    }
    knn["query_vector_builder"] = {"face": {"document": {"index": "faces", "id": "portrait-madonna-3"}}}
    with pytest.raises(PanelError, match="query malformed, must start with start_object"):
        prepare(spec({"index": "faces", "body": {"knn": knn}}), DashboardContext(filters=(LOBBY,)), es)


def test_elasticsearchs_innermost_reason_is_what_a_user_sees(es):
    query = nearest(5)
    with pytest.raises(PanelError, match=r"\[faces\].*\[filter\]"):
        prepare(
            spec({"index": "faces", "body": {"query": query}}),
            DashboardContext(filters=({"query": {"term": {"people": "Nobody"}}, "meta": {}},)),
            es,
        )


def test_a_server_without_the_plugin_says_what_it_lacks(cache):
    home = cache.root / "engine" / f"elasticsearch-{plugins.elasticsearch_version()}"
    with working_folder() as folder, local_node.running_node(home, folder, {}) as node:
        plain = Elasticsearch(node.url)
        vector = {"type": "dense_vector", "dims": 3, "similarity": "cosine"}
        faces = {"type": "nested", "properties": {"vector": vector}}
        plain.indices.create(index="faces", mappings={"properties": {"faces": faces}})
        # A full distribution, which has builders of its own, has another message.
        with pytest.raises(PanelError, match=r"unknown named object category .*QueryVectorBuilder"):
            prepare(spec({"index": "faces", "body": {"query": nearest(5)}}), DashboardContext(), plain)


def test_a_panel_looks_as_in_kibana_unless_it_says_otherwise(es):
    own = {"config": {"rect": {"fill": "red"}, "kibana": {"hideWarnings": True, "tooltips": False}}}
    plain = prepare(spec({"index": "faces", "body": {}}), DashboardContext(), es)
    ours = prepare(spec({"index": "faces", "body": {}}) | own | {"width": 100}, DashboardContext(), es)
    assert plain.spec["config"]["rect"]["fill"] == "#54B399"
    assert plain.spec["autosize"] == {"type": "fit", "contains": "padding"}
    assert plain.resize
    assert ours.spec["config"]["rect"]["fill"] == "red"
    assert "kibana" not in ours.spec["config"], "Vega would warn of it"
    assert (ours.warnings, ours.config["tooltips"]) == ((), False)


def test_a_fixed_size_is_kept_only_without_autosize(es):
    sized = spec({"index": "faces", "body": {}}) | {"width": 100, "height": 50}
    fitted = prepare(sized, DashboardContext(), es)
    assert (fitted.spec["width"], fitted.resize) == ("container", True)
    assert '"autosize": "none"' in fitted.warnings[0]
    fixed = prepare(sized | {"autosize": "none"}, DashboardContext(), es)
    assert (fixed.spec["width"], fixed.resize, fixed.warnings) == (100, False, ())
