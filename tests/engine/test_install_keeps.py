"""`faces install` and `faces attach` over what somebody changed: named, kept, and replaced when asked."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from tools import JSON, line_with

from es_setup import keeping
from es_setup.shipped_files import PutRequest, requests

PROBES = "/_ingest/pipeline/face-probes"


@pytest.fixture
def change(es: Elasticsearch, reinstalled) -> Iterator[Callable[..., None]]:
    """Changes an object as a person would in Dev Tools; as shipped at the end."""
    shipped = {request.path: request.body for request in requests()}
    changed: list[str] = []

    def write(path: str, edit: Callable[[dict], object]) -> None:
        body = keeping.standing_at(es, path)
        edit(body)
        changed.append(path)
        es.perform_request("PUT", path, headers=JSON, body=body)

    yield write
    for path in changed:
        es.perform_request("PUT", path, headers=JSON, body=shipped[path])


def pin(similarity: float) -> Callable[[dict], None]:
    """Sets `identify.similarity` in a pipeline."""

    def edit(body: dict) -> None:
        body["processors"][0]["face"]["identify"]["similarity"] = similarity

    return edit


def options(es: Elasticsearch, pipeline: str = "face-probes") -> dict:
    return es.ingest.get_pipeline(id=pipeline)[pipeline]["processors"][0]["face"]


def test_a_changed_setting_of_a_pipeline_is_named_and_kept_and_replaced_only_by_overwrite(es, run, change):
    change(PROBES, pin(0.6))
    status, out, err = run("install")
    line = line_with(f"PUT {PROBES}:", out)
    assert status == 1
    assert re.search(r"identify\.similarity\W+0\.6\W+→ not set", line)
    assert "--overwrite" in err
    assert options(es)["identify"]["similarity"] == 0.6
    status, out, _ = run("install", "--keep-edited")
    assert status == 0
    assert "identify.similarity" in line_with(f"PUT {PROBES}:", out)
    assert options(es)["identify"]["similarity"] == 0.6
    status, out, _ = run("install", "--overwrite")
    assert status == 0
    assert "identify.similarity" in line_with(f"PUT {PROBES}:", out)
    assert "similarity" not in options(es)["identify"]
    assert run("install")[0] == 0
    assert run("install", "--overwrite", "--keep-edited")[0] == 2


def test_a_dry_run_says_the_same_and_changes_nothing(es, run, change):
    change(PROBES, pin(0.6))
    before = es.ingest.get_pipeline(id="face*").body, es.cluster.get_component_template().body
    said = run("install", "--dry-run", "--overwrite")[1]
    assert (es.ingest.get_pipeline(id="face*").body, es.cluster.get_component_template().body) == before
    assert run("install", "--dry-run")[0] == 1
    assert run("install", "--overwrite")[1] == said


CHANGES = {
    "shards of every index": (
        "/_component_template/faces-settings",
        lambda body: body["template"].update(settings={"number_of_shards": 3}),
        "number_of_shards",
    ),
    "a field of one's own": (
        "/_component_template/faces-photo",
        lambda body: body["template"]["mappings"]["properties"].update(camera={"type": "keyword"}),
        "camera",
    ),
    "a graph of one's own": (
        "/_component_template/faces-nested",
        lambda body: body["template"]["mappings"]["properties"]["faces"]["properties"]["vector"].update(
            index_options={"type": "int8_hnsw", "m": 32}
        ),
        "index_options",
    ),
    "a priority": ("/_index_template/faces", lambda body: body.update(priority=300), "priority"),
    "a setting of the archive": (
        "/_index_template/faces",
        lambda body: body["template"]["settings"]["index"].update(refresh_interval="30s"),
        "refresh_interval",
    ),
    "a description": ("/_ingest/pipeline/faces", lambda body: body.update(description="ours"), "description"),
    "a processor": (
        "/_ingest/pipeline/faces",
        lambda body: body["processors"].append({"face": {"field": "second", "ignore_missing": True}}),
        "processors",
    ),
    "an option without the _meta": (
        "/_ingest/pipeline/faces",
        lambda body: (body.pop("_meta"), body["processors"][0]["face"].update(remove_binary=False)),
        "remove_binary",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_kind_of_object_keeps_what_somebody_changed(es, run, change, what):
    path, edit, name = CHANGES[what]
    change(path, edit)
    before = keeping.standing_at(es, path)
    status, out, _ = run("install")
    assert status == 1
    assert name in line_with(f"PUT {path}:", out)
    after = keeping.standing_at(es, path)
    for body in (before, after):
        # A second processor gets the pinned model, too.
        for found in keeping.face_options(body.get("processors", [])):
            found.pop("model", None)
    assert after == before
    assert run("install", "--overwrite")[0] == 0
    shipped = next(request for request in requests() if request.path == path)
    assert not keeping.decide(es, shipped, None, overwrite=False).differences


def test_a_kept_pipeline_gets_a_new_model_and_keeps_its_other_options(es, running, reinstalled, change):
    change(PROBES, pin(0.6))
    for model in ("facenet-00000000", running.model):
        (request,) = (one for one in requests(model) if one.path == PROBES)
        outcome = keeping.decide(es, request, None, overwrite=False)
        keeping.put(es, outcome)
        assert outcome.state == "kept"
        assert options(es)["model"] == model
        assert options(es)["identify"] == {"index": "face-gallery", "k": 5, "similarity": 0.6}


def test_a_kept_template_gets_the_fields_that_it_lacks(es, run, change):
    def edit(body: dict) -> None:
        properties = body["template"]["mappings"]["properties"]
        del properties["tags"]
        properties["camera"] = {"type": "keyword"}

    change("/_component_template/faces-photo", edit)
    run("install")
    found = keeping.standing_at(es, "/_component_template/faces-photo")
    assert {"tags", "camera"} <= found["template"]["mappings"]["properties"].keys()


def test_what_another_release_shipped_and_nobody_changed_is_updated(es, run, change):
    """As an older release would have PUT it, with its digest."""
    (request,) = (one for one in requests() if one.path == PROBES)
    older = copy.deepcopy(request.body)
    older["processors"][0]["face"]["identify"]["k"] = 3
    change(PROBES, lambda body: body)
    keeping.put(es, keeping.decide(es, PutRequest(PROBES, older), None, overwrite=True))
    assert options(es)["identify"]["k"] == 3
    status, out, _ = run("install")
    assert status == 0
    assert "identify.k" in line_with(f"PUT {PROBES}:", out)
    assert options(es)["identify"]["k"] == 5


def test_what_a_release_without_digests_shipped_is_as_shipped_and_gets_one(es, run, change):
    change(PROBES, lambda body: body["_meta"].pop("shipped", None))
    assert "shipped" not in es.ingest.get_pipeline(id="face-probes")["face-probes"]["_meta"]
    assert run("install")[0] == 0
    assert "shipped" in es.ingest.get_pipeline(id="face-probes")["face-probes"]["_meta"]


def test_fields_that_a_release_without_digests_did_not_ship_are_nobodys_change(es, run, change):
    path = "/_component_template/faces-photo"

    def edit(body: dict) -> None:
        body["_meta"].pop("shipped", None)
        del body["template"]["mappings"]["properties"]["unplaced"]

    change(path, edit)
    status, out, _ = run("install")
    assert status == 0
    assert "updated" in line_with(f"PUT {path}:", out)
    assert "unplaced" in keeping.standing_at(es, path)["template"]["mappings"]["properties"]


def test_the_format_of_vectors_stays_until_another_is_asked_for(es, run, reinstalled):
    def kind() -> str:
        body = keeping.standing_at(es, "/_component_template/faces-nested")
        faces = body["template"]["mappings"]["properties"]["faces"]
        return faces["properties"]["vector"]["index_options"]["type"]

    assert run("install", "--vectors", "flat")[0] == 0
    assert kind() == "flat"
    assert run("install")[0] == 0
    assert kind() == "flat"
    assert run("install", "--overwrite")[0] == 0
    assert kind() == "int8_hnsw"


def test_attaching_again_keeps_what_somebody_changed_in_the_pipeline(es, own_index, attach):
    own_index("own")
    assert attach("own", "--field", "picture")[0] == 0
    body = keeping.standing_at(es, "/_ingest/pipeline/faces-own")
    body["processors"][0]["face"]["max_faces"] = 3
    es.ingest.put_pipeline(id="faces-own", body=body)
    status, out, err = attach("own", "--field", "picture")
    assert status == 1
    assert "max_faces" in line_with("PUT /_ingest/pipeline/faces-own:", out)
    assert "--overwrite" in err
    assert options(es, "faces-own")["max_faces"] == 3
    assert attach("own", "--field", "picture", "--keep-edited")[0] == 0
    assert attach("own", "--field", "picture", "--dry-run", "--overwrite")[0] == 0
    assert options(es, "faces-own")["max_faces"] == 3
    assert attach("own", "--field", "picture", "--overwrite")[0] == 0
    assert "max_faces" not in options(es, "faces-own")


def test_attaching_again_with_other_options_changes_the_pipeline_that_nobody_edited(es, own_index, attach):
    own_index("own")
    assert attach("own", "--field", "picture")[0] == 0
    assert attach("own", "--field", "picture", "--remove-binary")[0] == 0
    assert options(es, "faces-own")["remove_binary"] is True


def test_a_dry_run_of_attach_changes_nothing(es, own_index, attach):
    own_index("own")
    before = es.indices.get(index="own").body
    status, out, _ = attach("own", "--field", "picture", "--dry-run")
    assert status == 0
    assert "faces-own" in line_with("PUT /own/_settings", out)
    assert es.indices.get(index="own").body == before
    assert es.options(ignore_status=404).ingest.get_pipeline(id="faces-own").body == {}
