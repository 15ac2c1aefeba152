"""`faces install`: repeated, over older indices, and what it reports as missing."""

from __future__ import annotations

import json

import pytest
from elasticsearch import BadRequestError
from tools import field_types, install_all, line_with, mapping_of

from es_setup import mappings, models
from es_setup.index_settings import ADDED, FINAL
from es_setup.install import missing
from es_setup.shipped_files import ALIASES


def test_installing_twice_changes_nothing_and_then_nothing_is_missing(es, running):
    def state() -> str:
        parts = [es.indices.get(index=f"{alias}-000001").body for alias in ALIASES]
        parts += [es.cluster.get_component_template().body, es.indices.get_index_template(name="face*").body]
        return json.dumps([*parts, es.ingest.get_pipeline(id="face*").body], sort_keys=True)

    install_all(es, running.model)
    before = state()
    outcomes = install_all(es, running.model)
    assert state() == before
    assert [outcomes[f"PUT /{alias}-000001"] for alias in ALIASES] == ["exists"] * 3
    assert missing(es) == []


def test_what_is_missing_is_named_and_installed_again(es, running, reinstalled):
    es.indices.delete(index="face-probes-000001")
    es.indices.delete_index_template(name="face-probes")
    es.ingest.delete_pipeline(id="face-probes")
    es.indices.put_mapping(index="face-gallery-000001", meta={})
    assert missing(es) == [
        "/_ingest/pipeline/face-probes",
        "/_index_template/face-probes",
        "/face-gallery-000001/_mapping (_meta.ingest_face.model)",
        "/face-probes",
    ]
    outcomes = install_all(es, running.model)
    assert outcomes["PUT /face-probes-000001"] == "created"
    assert running.model in outcomes["PUT /face-gallery-000001/_mapping"]
    assert models.declared(es, "face-gallery") == {"face-gallery-000001": running.model}
    assert missing(es) == []


def older(mapping: dict) -> dict:
    """The mapping without some of our newer fields, and with one of another type."""
    properties = mapping["properties"]
    del properties["event"]["properties"]["lag"]
    properties["best_quality"] = {"type": "double"}
    if "unnamed_faces" in properties:
        del properties["unnamed_faces"]
        del properties["faces"]["properties"]["group"]
        del properties["faces"]["properties"]["match"]["properties"]["tags"]
    return mapping


def test_an_older_index_gets_the_fields_it_lacks_and_keeps_those_it_has(es, running, own_index):
    lacking = {
        "face-gallery": "event.lag",
        "faces": "event.lag, faces.group, faces.match.tags, unnamed_faces",
    }
    for alias in lacking:
        settings = {"index.default_pipeline": alias}
        own_index(f"older-{alias}", mappings=older(mapping_of(es, alias)), settings=settings)
    assert missing(es) == [
        *(f"/older-{alias}/_mapping ({fields})" for alias, fields in lacking.items()),
        *(f"/older-{alias}/_settings ({', '.join((FINAL, *ADDED))})" for alias in lacking),
    ]

    outcomes = install_all(es, running.model)
    for alias, fields in lacking.items():
        assert fields in outcomes[f"PUT /older-{alias}/_mapping"]
        wanted = field_types(mapping_of(es, alias)["properties"]) | {"best_quality": "double"}
        assert field_types(mapping_of(es, f"older-{alias}")["properties"]) == wanted
    assert missing(es) == []
    before = [mapping_of(es, f"older-{alias}") for alias in lacking]
    assert [what for what in install_all(es, running.model) if what.endswith("_mapping")] == []
    assert [mapping_of(es, f"older-{alias}") for alias in lacking] == before


def test_an_older_index_keeps_its_candidates_unindexed_and_is_named(es, running, own_index, run):
    mapping = mapping_of(es, "face-probes")
    mapping["properties"]["faces"]["properties"]["candidates"] = {"type": "object", "enabled": False}
    for name in ("candidate_people", "candidate_tags"):
        del mapping["properties"][name]
    own_index("older-probes", mappings=mapping, settings={"index.default_pipeline": "face-probes"})
    for _ in range(2):
        status, out, _ = run("install", "--model", running.model)
        assert status == 0
        assert "older-probes" in line_with("faces.candidates", out)
    after = mapping_of(es, "older-probes")["properties"]
    assert after["faces"]["properties"]["candidates"]["enabled"] is False
    assert after["candidate_people"]["type"] == after["candidate_tags"]["type"] == "keyword"
    assert missing(es) == []


def test_an_index_that_is_blocked_for_writing_stays_as_it_is(es, running, own_index):
    lacking = {"properties": {"@timestamp": {"type": "date"}}}
    for block in ("write", "read_only"):
        index = own_index(f"own-{block}", mappings=lacking, settings={"index.default_pipeline": "faces"})
        es.indices.put_settings(index=index, settings={f"index.blocks.{block}": True})
    try:
        assert missing(es) == []
        install_all(es, running.model)
    finally:
        es.indices.put_settings(index="own-*", settings={"index.blocks.read_only": None})
    assert mapping_of(es, "own-write")["properties"].keys() == {"@timestamp"}


def settings_of(es, index: str) -> dict:
    return es.indices.get_settings(index=index, flat_settings=True)[index]["settings"]


def test_an_older_index_gets_the_check_as_its_final_pipeline_and_the_settings_it_lacks(
    es, running, own_index
):
    own_index("older", mappings=mapping_of(es, "faces"), settings={"index.default_pipeline": "faces"})
    outcomes = install_all(es, running.model)
    assert outcomes["PUT /older/_settings"].endswith(", ".join((FINAL, *ADDED)))
    template = settings_of(es, "faces-000001")
    assert {name: settings_of(es, "older")[name] for name in (FINAL, *ADDED)} == {
        name: template[name] for name in (FINAL, *ADDED)
    }
    assert "PUT /older/_settings" not in install_all(es, running.model)
    es.indices.put_settings(index="older", settings={ADDED[0]: False})
    install_all(es, running.model)
    assert settings_of(es, "older")[ADDED[0]] == "false"


@pytest.mark.parametrize("checks", [False, True])
def test_a_final_pipeline_of_ones_own_stays_and_is_told_unless_it_checks(es, running, own_index, run, checks):
    steps = [{"face_check": {}}] if checks else []
    es.ingest.put_pipeline(id="own-final", processors=steps)
    settings = {"index.default_pipeline": "faces", FINAL: "own-final"}
    own_index("older", mappings=mapping_of(es, "faces"), settings=settings)
    try:
        status, out, _ = run("install", "--model", running.model)
        assert settings_of(es, "older")[FINAL] == "own-final"
        assert status == (0 if checks else 1)
        assert ('{"pipeline": {"name": "face-check"}}' in out) is not checks
    finally:
        es.indices.delete(index="older")
        es.ingest.delete_pipeline(id="own-final")


def test_an_index_full_of_fields_gets_ours_too(es, running, own_index):
    mapping = older(mapping_of(es, "faces"))
    # A text of another test has a field of its own for keywords.
    full = sum(1 + len(field.get("fields", ())) for field in mappings.fields(mapping["properties"]))
    settings = {"index.default_pipeline": "faces", "index.mapping.total_fields.limit": full}
    own_index("older", mappings=mapping, settings=settings)
    with pytest.raises(BadRequestError):
        es.indices.put_mapping(index="older", properties={"one_more": {"type": "keyword"}})
    install_all(es, running.model)
    wanted = field_types(mapping_of(es, "faces")["properties"]) | {"best_quality": "double"}
    assert field_types(mapping_of(es, "older")["properties"]) == wanted
