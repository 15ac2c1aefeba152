"""`faces status`: what runs, what is installed, what is indexed."""

from __future__ import annotations

import json

from tools import encoded, landscape, line_with, numbers, picture

from es_setup.embedded.local_node import free_port
from es_setup.shipped_files import ALIASES


def test_status_reports_plugin_model_and_servers_that_do_not_answer(run, running):
    status, out, _ = run("status", "--json")
    report = json.loads(out)
    assert status == 0
    assert report["elasticsearch"]["plugin"] is True
    assert report["service"]["model"] == running.model
    assert report["elasticsearch"]["models"] == dict.fromkeys(ALIASES, running.model)
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, out, _ = run("status", "--json", ES_URL=nowhere, FACES_URL=nowhere)
    assert status == 1
    report = json.loads(out)
    assert [facts["ok"] for facts in report.values()] == [False, False]
    assert nowhere in report["elasticsearch"]["error"]
    assert "FACES_URL" in report["service"]["error"]
    status, out, _ = run("status", "--json", ES_URL=running.connection.faces_url)
    assert status == 1
    report = json.loads(out)
    assert (report["elasticsearch"]["ok"], report["service"]["ok"]) == (False, True)
    assert 404 in numbers(report["elasticsearch"]["error"])
    assert running.connection.faces_url in report["elasticsearch"]["error"]


def test_status_prints_the_same_facts_as_lines(run, running):
    status, out, _ = run("status")
    assert status == 0
    assert running.connection.es_url in line_with("elasticsearch:", out)
    assert running.model in line_with("service:", out)


def test_status_works_with_a_password_in_the_addresses_and_hides_it(run, running):
    def with_password(url: str) -> str:
        return url.replace("//", "//elastic:s3cret@")

    connection = running.connection
    where = {"ES_URL": with_password(connection.es_url), "FACES_URL": with_password(connection.faces_url)}
    status, out, err = run("status", "--json", **where)
    assert status == 0
    assert json.loads(out)["service"]["url"] == connection.faces_url.replace("//", "//***@")
    assert "s3cret" not in out + err


def test_status_names_missing_settings_by_their_path(run, es, version):
    es.indices.put_settings(index="faces-000001", settings={"index.default_pipeline": None})
    try:
        status, out, _ = run("status", "--json")
        assert status == 1
        report = json.loads(out)["elasticsearch"]
        assert report["missing"] == ["/faces-000001/_settings (index.default_pipeline)"]
        assert report["versions"] == [version]
    finally:
        es.indices.put_settings(index="faces-000001", settings={"index.default_pipeline": "faces"})


def test_it_counts_documents_by_what_became_of_their_photos(run, es, faces, bulk, photos):
    bulk(
        {
            "ann": {"image": encoded(photos["Ann"][0])},
            "meadow": {"image": encoded(picture(landscape(), "PNG"))},
            "broken": {"image": encoded(b"not a photo")},
        }
    )
    bulk({"unseen": {"file": {"path": "unseen.jpg"}}}, pipeline="_none")
    _, out, _ = run("status", "--json")
    report = json.loads(out)["elasticsearch"]
    (held,) = [index["held"] for index in report["indices"] if index["name"] == "faces-000001"]
    assert held["documents"] == 4
    assert (held["read"], held["without_face"], held["faces"], held["unprocessed"]) == (2, 1, 1, 1)
    assert held["failures"] == {"not_an_image": 1}
    assert (report["photos"], report["failed"]) == (4, 1)
    _, out, _ = run("status")
    assert numbers(line_with("faces-000001 ", out.partition("model")[0]))[:4] == [4, 1, 1, 1]


def test_it_says_version_licence_nodes_and_their_endpoints(run, running, version):
    _, out, _ = run("status", "--json")
    report = json.loads(out)["elasticsearch"]
    (node,) = report["nodes"]
    assert (node["version"], node["built_for"], node["fits"]) == (version, version, True)
    assert report["licence"] == "basic"
    (endpoint,) = report["endpoints"]
    assert endpoint["urls"] == {running.connection.faces_url: "in"}
    assert report["unanswered"] is None
    (disk,) = report["disks"]
    assert 0 < disk["free"] < disk["total"]
    assert report["unseen"] == []


def test_an_endpoint_counts_once_a_pipeline_names_it_and_not_for_a_search_that_did(run, es):
    setting = {"face.endpoint.passing.urls": "http://127.0.0.1:9"}
    es.cluster.put_settings(persistent=setting)
    es.ingest.put_pipeline(id="passing", processors=[{"face": {"endpoint": "passing"}}])
    es.cluster.put_settings(persistent=dict.fromkeys(setting))
    photo = {"_source": {"image": "AAAA"}}
    simulated = es.ingest.simulate(id="passing", docs=[photo])["docs"]
    assert "error" in simulated[0]
    _, out, _ = run("status", "--json")
    assert "passing" in {one["name"] for one in json.loads(out)["elasticsearch"]["endpoints"]}
    es.ingest.delete_pipeline(id="passing")
    _, out, _ = run("status", "--json")
    assert {one["name"] for one in json.loads(out)["elasticsearch"]["endpoints"]} == {"default"}


def test_no_python_is_printed(run):
    _, out, _ = run("status")
    assert "{" not in out
    assert "None" not in out


def test_attached_indices_are_compared_with_the_service_too(run, own_index):
    own_index("attached", mappings={"_meta": {"ingest_face": {"model": "facenet-00000000"}}})
    status, out, _ = run("status", "--json")
    assert status == 0
    report = json.loads(out)
    assert report["elasticsearch"]["ok"] is True
    assert "[attached] has [facenet-00000000]" in report["service"]["error"]


def test_a_closed_index_does_not_keep_it_from_telling_about_the_others(run, es):
    es.indices.close(index="face-probes-000001")
    try:
        status, out, _ = run("status", "--json")
        report = json.loads(out)["elasticsearch"]
        closed = {index["name"]: index["closed"] for index in report["indices"]}
        assert closed == {f"{alias}-000001": alias == "face-probes" for alias in ALIASES}
        held = {index["name"]: index["held"] is not None for index in report["indices"]}
        assert held == {f"{alias}-000001": alias != "face-probes" for alias in ALIASES}
    finally:
        es.indices.open(index="face-probes-000001")
    assert status == 1
