"""`faces doctor` where a server is away, isn't what it should be, or lacks something on one node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from altered_server import altered, always, silent
from fake_service import FakeService
from tools import bracketed

from es_setup.embedded.local_node import free_port


def test_a_service_that_elasticsearch_does_not_reach_is_an_error_and_the_line_sets_its_address(
    doctor, paste, es
):
    nowhere = f"http://127.0.0.1:{free_port()}"
    es.cluster.put_settings(persistent={"face.endpoint.default.urls": nowhere})
    try:
        status, found = doctor()
        assert status == 1
        assert nowhere.removeprefix("http://") in found["endpoint-unanswered"]["problem"]
        assert "service-down" not in found
        paste(found["endpoint-unanswered"])
        assert doctor()[0] == 0
    finally:
        es.cluster.put_settings(persistent={"face.endpoint.default.urls": None})


@pytest.mark.parametrize(
    ("behaviour", "code"), [("wrong key", "service-key"), ("garbage", "service-refuses")]
)
def test_a_service_that_is_ready_and_refuses_photos_is_an_error(doctor, run, behaviour, code):
    service = FakeService()
    service.behaviour = behaviour
    try:
        status, found = doctor(FACES_URL=service.url)
        assert status == 1
        assert found[code]["severity"] == "error"
        status, out, _ = run("status", "--json", FACES_URL=service.url)
        assert status == 1
        assert json.loads(out)["service"]["ok"] is False
    finally:
        service.stop()


def test_without_any_server_both_are_named(doctor):
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, found = doctor(ES_URL=nowhere, FACES_URL=nowhere)
    assert status == 1
    assert found.keys() == {"elasticsearch", "service-down"}
    assert all(nowhere in finding["problem"] for finding in found.values())


def test_a_proxys_page_and_another_server_are_told_from_elasticsearch(doctor):
    with always(b"<html>log in</html>", Content_Type="text/html") as url:
        status, found = doctor(ES_URL=url, FACES_URL=url)
    assert status == 1
    assert url in found["elasticsearch"]["problem"]
    assert url in found["service-down"]["problem"]


@pytest.mark.parametrize("headers", [{}, {"X_elastic_product": "Elasticsearch"}], ids=["before 7.14", "7.17"])
def test_elasticsearch_7_is_named_by_its_version(doctor, run, headers):
    answer = {"version": {"number": "7.13.4"}, "tagline": "You Know, for Search"}
    with always(json.dumps(answer).encode(), Content_Type="application/json", **headers) as url:
        status, found = doctor(ES_URL=url)
        assert run("status", ES_URL=url)[0] == 1
    assert status == 1
    assert "7.13.4" in found["elasticsearch-version"]["problem"]


def test_an_elasticsearch_that_does_not_answer_is_not_waited_for(doctor, monkeypatch):
    monkeypatch.setattr("faces.health.asking.TIMEOUT", 0.5)
    with silent() as url:
        began = time.monotonic()
        status, found = doctor(ES_URL=url)
        assert time.monotonic() - began < 5
    assert status == 1
    assert url in found["elasticsearch"]["problem"]


def on_nodes(change: Callable[[dict[str, Any]], None]) -> Callable[[str, Any], Any]:
    """Alters the nodes' plugins: a second node, which ``change`` makes different."""

    def alter(path: str, answer: Any) -> Any:
        if path.startswith("/_nodes/plugins"):
            (node,) = answer["nodes"].values()
            other = json.loads(json.dumps(node)) | {"name": "node-2"}
            change(other)
            answer["nodes"]["other"] = other
        return answer

    return alter


def test_a_node_without_the_plugin_is_named_and_what_still_works(doctor, run, running):
    with altered(running.connection.es_url, on_nodes(lambda node: node.update(plugins=[]))) as url:
        status, found = doctor(ES_URL=url)
        assert run("status", ES_URL=url)[0] == 1
    assert status == 1
    problem = found["plugin-missing"]["problem"]
    assert "node-2" in bracketed(problem)
    assert "`faces search --person`" in problem


def test_a_plugin_of_another_release_is_a_warning(doctor, running):
    def older(node: dict[str, Any]) -> None:
        for plugin in node["plugins"]:
            plugin["version"] = "0.0.9"

    with altered(running.connection.es_url, on_nodes(older)) as url:
        found = doctor(ES_URL=url)[1]
    assert found["plugin-versions"]["severity"] == "warning"
    assert "0.0.9" in bracketed(found["plugin-versions"]["problem"])


def test_the_version_that_the_cluster_moves_to_needs_a_plugin_of_its_own(doctor, run, version):
    status, found = doctor("--target-version", "9.9.9")
    assert status == 1
    assert "--es 9.9.9" in found["plugin-target"]["remedy"]
    assert doctor("--target-version", version)[0] == 0
    status, found = doctor("--target-version", "9.0.4")
    assert (status, "target-unsupported" in found) == (1, True)
    assert run("doctor", "--target-version", "nine")[0] == 2


def test_a_full_disk_is_an_error_by_the_clusters_watermarks(doctor, running):
    def full(path: str, answer: Any) -> Any:
        if path.startswith("/_cluster/settings") and "disk" in path:
            watermark = "cluster.routing.allocation.disk.watermark."
            return {"defaults": {f"{watermark}flood_stage": "95%", f"{watermark}high": "90%"}}
        if path.startswith("/_nodes/stats/fs"):
            for node in answer["nodes"].values():
                node["fs"]["total"] |= {"total_in_bytes": 1_000, "available_in_bytes": 40}
        return answer

    with altered(running.connection.es_url, full) as url:
        status, found = doctor(ES_URL=url)
    assert status == 1
    assert "96%" in found["disk-flood-stage"]["problem"]


def test_no_finding_shows_a_key_or_a_password(doctor, run):
    nowhere = f"127.0.0.1:{free_port()}"
    url = f"http://elastic:s3cret@{nowhere}"
    status, out, err = run("doctor", ES_URL=url, FACES_URL=url, ES_API_KEY="k3y", FACES_API_KEY="k3y")
    assert status == 1
    assert "s3cret" not in out + err
    assert "k3y" not in out + err
