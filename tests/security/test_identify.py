"""`identify` needs no right of the sender's, and tells names only to readers of the gallery or the probes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, AuthorizationException, Elasticsearch
from secured import ROOT
from secured_stack import Secured
from tools import bracketed, encoded, innermost

NAME = "Somebody Only The Gallery Knows"
GALLERIES = "face.identify.galleries"
PROBES = "face.identify.probes"
IDENTIFY = {"identify": {"index": "face-gallery"}}


@pytest.fixture(scope="module")
def photo(people: dict[str, list[Path]]) -> str:
    return encoded(people["elton_john"][0])


@pytest.fixture(scope="module", autouse=True)
def enrolled(secured: Secured, photo: str) -> Iterator[None]:
    root = secured.as_(ROOT)
    portrait = {"image": photo, "person": {"name": NAME}, "tags": ["watch"]}
    root.index(index="face-gallery", id="somebody", document=portrait, refresh=True)
    root.options(ignore_status=400).indices.create(index="mine")
    yield
    root.delete(index="face-gallery", id="somebody", refresh=True)
    root.indices.delete(index="mine")


@pytest.fixture
def pipelines(secured: Secured) -> Iterator[list[str]]:
    """Names of pipelines, which are deleted at the end."""
    names: list[str] = []
    yield names
    for name in names:
        secured.as_(ROOT).options(ignore_status=404).ingest.delete_pipeline(id=name)


def face(secured: Secured, **options: object) -> dict[str, Any]:
    return {"face": {"model": secured.service.model, **options}}


def put(es: Elasticsearch, name: str, *processors: dict[str, Any], **more: Any) -> int:
    """The status of the answer."""
    answer = es.options(ignore_status=[400, 403]).ingest.put_pipeline(id=name, processors=processors, **more)
    return int(answer.meta.status)


def matches(secured: Secured, index: str, key: str) -> list[str]:
    source = secured.as_(ROOT).get(index=index, id=key)["_source"]
    return [one["match"]["name"] for one in source["faces"] if "match" in one]


@pytest.mark.parametrize("user", ["faces_sender", "blind_sender"])
def test_a_probe_is_identified_though_its_sender_may_not_read_the_gallery(secured, photo, user):
    sender = secured.as_(user)
    for index in ("face-gallery", "face-gallery-000001", "face-probes"):
        with pytest.raises(AuthorizationException):
            sender.search(index=index)
    stored = sender.create(index="face-probes", id=f"of-{user}", document={"image": photo})
    assert NAME not in str(stored)
    assert matches(secured, "face-probes", f"of-{user}") == [NAME]


def test_a_probe_of_nobody_in_the_gallery_has_no_match(secured, people):
    sender = secured.as_("blind_sender")
    sender.create(index="face-probes", id="of-nobody", document={"image": encoded(people["madonna"][0])})
    assert matches(secured, "face-probes", "of-nobody") == []


@pytest.mark.parametrize(
    "pipeline",
    [
        {"processors": [{"face": IDENTIFY}]},
        {"processors": [{"face": {"identify": {"index": "face-gallery-*"}}}]},
        {"processors": [{"face": {"on_failure": [{"face": IDENTIFY}]}}]},
        {"processors": [{"face": {}}], "on_failure": [{"face": IDENTIFY}]},
    ],
)
def test_who_may_not_read_the_gallery_puts_no_pipeline_that_identifies(secured, pipelines, pipeline):
    pipelines.append("stolen")
    tinkerer = secured.as_("tinkerer")
    with pytest.raises(AuthorizationException) as refused:
        tinkerer.ingest.put_pipeline(id="stolen", **pipeline)
    assert "stolen" in bracketed(innermost(refused.value.body["error"]))
    assert put(tinkerer, "stolen", face(secured)) == 200
    assert put(secured.as_("faces_admin"), "stolen", face(secured, **IDENTIFY)) == 200


def test_nor_one_that_runs_after_identify(secured, pipelines):
    root, tinkerer = secured.as_(ROOT), secured.as_("tinkerer")
    pipelines.append("last")
    assert put(tinkerer, "last") == 200
    settings = {"index.default_pipeline": "face-probes", "index.final_pipeline": "last"}
    root.indices.create(index="face-probes-chain", settings=settings)
    try:
        assert put(tinkerer, "last", face(secured)) == 403
        assert put(root, "last", face(secured)) == 200
    finally:
        root.indices.delete(index="face-probes-chain")


@pytest.mark.parametrize(("called", "status"), [("face-probes", 403), ("faces", 400)])
def test_nor_one_that_calls_one_that_identifies(secured, called, status):
    """400: the tests' Elasticsearch has no processor `pipeline`, as whoever gets past the check is told."""
    assert put(secured.as_("tinkerer"), "calls", {"pipeline": {"name": called}}) == status


def test_a_simulation_has_the_rights_of_its_caller(secured, photo):
    docs = [{"_index": "face-probes", "_id": "simulated", "_source": {"image": photo}}]
    inline = {"processors": [face(secured, **IDENTIFY)]}
    for user, is_allowed in (("tinkerer", False), ("pipeline_author", False), ("faces_admin", True)):
        es = secured.as_(user)
        for request in ({"id": "face-probes"}, {"pipeline": inline}):
            answer = str(es.ingest.simulate(docs=docs, **request))
            assert (NAME in answer) == is_allowed
            assert ("security_exception" in answer) != is_allowed


def test_a_simulated_write_has_them_too(secured, photo):
    body = {"docs": [{"_index": "face-probes", "_id": "simulated", "_source": {"image": photo}}]}
    for user, is_allowed in (("tinkerer", False), (ROOT, True)):
        es = secured.as_(user).options(ignore_status=[400, 403])
        headers = {"accept": "application/json", "content-type": "application/json"}
        answer = str(es.perform_request("POST", "/_ingest/_simulate", headers=headers, body=body))
        assert (NAME in answer) == is_allowed, answer


@pytest.mark.parametrize("also", [[], [{"index": {"_index": "face-probes"}}]])
def test_names_are_written_nowhere_else(secured, photo, also):
    """Not even in a bulk that also has a document for the probes."""
    tinkerer = secured.as_("tinkerer")
    operations: list[dict] = [{"index": {"_index": "mine", "_id": "1"}}, {"image": photo}]
    for action in also:
        operations += [action, {"image": photo}]
    answer = tinkerer.bulk(operations=operations, pipeline="face-probes")
    statuses = [item["index"]["status"] for item in answer["items"]]
    assert statuses == [403, *[201] * len(also)]
    assert PROBES in bracketed(innermost(answer["items"][0]["index"]["error"]))
    assert NAME not in str(answer)
    assert not tinkerer.exists(index="mine", id="1")


@pytest.mark.parametrize(
    "index", ["face-gallery,faces", "*", "_all", "faces", "face-*", "other:face-gallery"]
)
def test_only_the_galleries_of_the_nodes_settings_are_searched(secured, pipelines, index):
    pipelines.append("wide")
    with pytest.raises(ApiError) as refused:
        secured.as_(ROOT).ingest.put_pipeline(
            id="wide", processors=[{"face": {"identify": {"index": index}}}]
        )
    assert refused.value.status_code == 403
    assert GALLERIES in bracketed(innermost(refused.value.body["error"]))


def test_a_filter_reads_no_other_index(secured, pipelines, photo):
    root = secured.as_(ROOT)
    pipelines.append("lookup")
    root.index(index="mine", id="lookup", document={"tags": ["watch"]}, refresh=True)
    for query, status in (
        ({"terms": {"tags": {"index": "mine", "id": "lookup", "path": "tags"}}}, 403),
        ({"terms": {"tags": ["watch"]}}, 201),
    ):
        put(root, "lookup", face(secured, identify={"index": "face-gallery", "filter": query}))
        answer = root.options(ignore_status=403).index(
            index="face-probes", document={"image": photo}, pipeline="lookup"
        )
        assert answer.meta.status == status


@pytest.mark.parametrize("setting", [GALLERIES, PROBES])
def test_the_settings_are_the_nodes_own(secured, setting):
    with pytest.raises(ApiError) as refused:
        secured.as_(ROOT).cluster.put_settings(persistent={setting: ["*"]})
    assert refused.value.status_code == 400


def test_a_query_has_the_rights_of_its_caller_still(secured, photo):
    root = secured.as_(ROOT)
    root.options(ignore_status=400).indices.create(index="mine-vectors", mappings={"properties": {}})
    seed = {"document": {"index": "face-gallery", "id": "somebody"}}
    query = {"field": "vector", "k": 1, "num_candidates": 10, "query_vector_builder": {"face": seed}}
    try:
        with pytest.raises(AuthorizationException):
            secured.as_("tinkerer").search(index="mine-vectors", knn=query)
    finally:
        root.indices.delete(index="mine-vectors")
