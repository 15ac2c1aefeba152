"""`faces install --without-plugin`, `attach`, `status` and `doctor` where nodes lack the plugin."""

from __future__ import annotations

import json
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.client_side import NOT_ON_SERVERLESS, WORKER, requests_without_plugin
from es_setup.install import install
from es_setup.shipped_files import ALIASES


def settings_of(es: Elasticsearch, index: str) -> dict[str, Any]:
    (found,) = es.indices.get(index=index).values()
    pipelines = {name: found["settings"]["index"].get(f"{name}_pipeline") for name in ("default", "final")}
    return {**pipelines, WORKER: found["mappings"]["_meta"]["ingest_face"].get(WORKER)}


def findings(run, *words: str) -> tuple[int, dict[str, dict]]:
    code, out, err = run("doctor", "--json", *words)
    assert out, err
    return code, {one["code"]: one for one in json.loads(out)["findings"]}


def test_without_the_option_it_is_refused_and_the_option_named(without):
    code, _, err = without("install")
    assert code == 1
    assert "faces install --without-plugin" in err


def test_a_second_run_changes_nothing_and_nothing_is_missing(without, plain, run):
    before = {alias: settings_of(plain, alias) for alias in ALIASES}
    code, out, err = without("install", "--without-plugin")
    assert code == 0, err
    assert not any("pipeline" in line for line in out.splitlines())
    assert {alias: settings_of(plain, alias) for alias in ALIASES} == before
    assert before["face-gallery"][WORKER]["single_face"] is True
    assert before["face-probes"][WORKER]["identify"]["index"] == "face-gallery"
    assert {(one["default"], one["final"]) for one in before.values()} == {(None, None)}
    code, out, _ = without("status", "--json")
    report = json.loads(out)["elasticsearch"]
    assert (code, report["plugin"], report["by_worker"], report["missing"]) == (0, False, True, [])


def test_doctor_names_what_does_the_plugins_work_and_what_waits(without, plain):
    code, found = findings(without)
    assert code == 0, found
    assert "plugin-missing" not in found
    assert found["by-worker"]["remedy"] == "faces worker"
    plain.index(index="faces", id="1", document={"image": "eA=="}, refresh=True)
    code, found = findings(without)
    assert (code, found["waiting"]["remedy"]) == (0, "faces worker --once")


def test_what_is_missing_is_installed_by_the_same_option(without, plain):
    plain.indices.delete_index_template(name="face-probes")
    code, found = findings(without)
    assert (code, found["missing"]["remedy"]) == (1, "faces install --without-plugin")
    assert without("install", "--without-plugin")[0] == 0
    assert findings(without)[0] == 0


def test_an_index_of_ones_own_is_attached_without_a_pipeline(without, plain):
    plain.indices.create(index="own", mappings={"properties": {"photo": {"type": "binary"}}})
    try:
        code, out, err = without("attach", "own", "--field", "photo", "--target-field", "portrait")
        assert code == 0, err
        assert "faces worker own" in out
        found = settings_of(plain, "own")
        assert (found["default"], found["final"]) == (None, None)
        assert found[WORKER] == {
            "field": "photo",
            "target_field": "portrait",
            "remove_binary": False,
            "ignore_missing": True,
        }
        assert without("attach", "own", "--field", "photo", "--target-field", "portrait")[0] == 0
        assert findings(without)[0] == 0
    finally:
        plain.indices.delete(index="own")


def test_a_cluster_that_gets_the_plugin_moves_to_pipelines_and_back(es, run, running, own_index):
    """On the node with the plugin, as after its nodes were restarted with it."""
    before = {alias: settings_of(es, alias) for alias in ALIASES}
    try:
        assert run("install", "--without-plugin")[0] == 0
        found = {alias: settings_of(es, alias) for alias in ALIASES}
        assert {(one["default"], one["final"]) for one in found.values()} == {(None, None)}
        assert all(one[WORKER] for one in found.values())
        assert settings_of(es, own_index("faces-later"))[WORKER] == found["faces"][WORKER]
        assert findings(run)[1]["plugin-unused"]["remedy"] == "faces install"
    finally:
        code, out, err = run("install")
    assert code == 0, err
    assert "default_pipeline is faces" in out
    assert {alias: settings_of(es, alias) for alias in ALIASES} == before
    assert settings_of(es, "faces-later") == before["faces"]
    assert json.loads(run("status", "--json")[1])["elasticsearch"]["missing"] == []


def test_a_dry_run_names_the_steps_and_changes_nothing(es, running):
    before = {alias: settings_of(es, alias) for alias in ALIASES}
    steps = [step.request for step in install(es, running.model, dry_run=True, without_plugin=True)]
    assert "PUT /faces-000001/_settings" in steps
    assert {alias: settings_of(es, alias) for alias in ALIASES} == before


def test_a_serverless_project_gets_none_of_the_settings_that_it_refuses():
    whole = json.dumps([put.body for put in requests_without_plugin()])
    assert all(name in whole for name in NOT_ON_SERVERLESS)
    assert not any("pipeline" in put.path for put in requests_without_plugin())
    less = json.dumps([put.body for put in requests_without_plugin(serverless=True)])
    assert not [name for name in NOT_ON_SERVERLESS if name in less]
    assert "ignore_dynamic_beyond_limit" in less
